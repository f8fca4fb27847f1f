"""What several rules read of a document: its stage, answers, live actions, places."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from kb.lazy_regex import regex
from kb.lint.rule import Finding
from kb.records.action_and_prior_items import ActionItem
from kb.records.document import Document
from kb.records.front_matter import Node
from kb.records.markdown import FieldLine, SectionText
from kb.records.postmortem import minutes_between, read_time
from kb.records.taxonomy import SYNONYMS
from kb.sensitive.secrets.find_secrets import masked
from kb.sentences import clipped

_UNANSWERED = regex(
    r"(?:none|nothing|n/?a|tbd|todo|unknown|-{1,3}|\?{1,3}|…|\.\.\.)[ \t]*(?:$|[.;,:(—–-])",
    re.IGNORECASE,
)
_NOT_APPLICABLE = regex(r"[\s>*_-]*(?:n/a|not applicable)\b", re.IGNORECASE)
_MAX_QUOTE = 60  # characters of a value that a one-line message can carry


def is_submitted(document: Document) -> bool:
    """Whether somebody was asked to read it: what a draft may leave out is now missing."""
    return document.front.text("status") in {"in-review", "published"}


def is_public(document: Document) -> bool:
    """Whether it was written from published facts, so that fields may be `unknown`."""
    return document.front.text("origin") == "public"


def is_answered(value: str) -> bool:
    """Whether a value says something: not empty, not `none`, `n/a`, `unknown` or `tbd`."""
    return bool(value.strip()) and not _UNANSWERED.match(value.strip())


def says_not_applicable(section: SectionText) -> bool:
    """Whether the section says `n/a` in place of its content."""
    return bool(_NOT_APPLICABLE.match(section.text))


def field_of(fields: Iterable[FieldLine], key: str) -> FieldLine | None:
    """The first line with that key that has a value."""
    return next((field for field in fields if field.key == key and field.value), None)


def live_actions(document: Document) -> tuple[ActionItem, ...]:
    """The actions that were not cancelled."""
    return tuple(action for action in document.actions if action.state != "cancelled")


def lever(action: ActionItem) -> str:
    """The lever of an action in lower case, empty where none is given."""
    return action.attribute("lever").strip().lower()


def minutes(document: Document, start: str, end: str) -> float | None:
    """Minutes between two clocks by name, None when either is not known."""
    first, last = (read_time(document.front.text(f"clocks.{name}")) for name in (start, end))
    return minutes_between(first, last)


def quoted(text: str) -> str:
    """The first line of a text between quotation marks, cut where it is long, secrets masked."""
    line = masked(text.strip().partition("\n")[0].strip().strip('"'))
    return f'"{clipped(line, _MAX_QUOTE)}"'


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word a typing error may have meant, empty where none is near."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.6)), "")


def at_key(document: Document, field: FieldLine, message: str) -> Finding:
    """A finding that underlines the key of an evidence line."""
    column = document.source_line(field.line).find(field.written) + 1
    return Finding(field.line, message, max(column, 1), len(field.written))


def at_value(document: Document, field: FieldLine, message: str) -> Finding:
    """A finding that underlines the first line of a field's value, or its key when it is empty."""
    first = field.value.partition("\n")[0]
    source = document.source_line(field.line)
    start = source.find(first, source.find(":") + 1) if first else -1
    if start < 0:
        return at_key(document, field, message)
    return Finding(field.line, message, start + 1, len(first))


def at_node(node: Node, message: str) -> Finding:
    """A finding that underlines a front-matter scalar."""
    return Finding(node.line, message, node.column, len(node.text or ""))


def at_heading(section: SectionText, message: str) -> Finding:
    """A finding that underlines the heading of a section."""
    return Finding(section.line, message, 1, section.level + 1 + len(section.heading))


def words_of(document: Document, key: str) -> tuple[Node, ...]:
    """The scalars of a front-matter list with their places; one scalar counts as a list of one."""
    node = document.front.get(key)
    if node is None:
        return ()
    nodes = node.items if node.kind == "sequence" else (node,)
    return tuple(item for item in nodes if item.text)


_MAX_WORD = 60  # what is longer is a sentence, and comparing it costs more than it tells


def closest_word(word: str, known: Iterable[str]) -> str:
    """The known word closest to this one, or that it means; empty for none. Case does not count."""
    names = {name.lower(): name for name in known}
    lower = word.lower()[:_MAX_WORD]
    close = SYNONYMS.get(lower, "")
    close = close if close in names else nearest(lower, names)
    return names[close] if close else ""


def what_to_write(word: str, known: Iterable[str]) -> str:
    """What to write in place of an unknown word: the nearest one, else all that may be chosen."""
    names = tuple(known)
    if found := closest_word(word, names):
        return f"did you mean '{found}'?"
    return f"write one of: {', '.join(names)}"


#: The ways in which messages name what may stand in place of what they underline.
_OFFERED = (
    regex(r"did you mean '([^']+)'\?"),
    regex(r"write (?:one of|a known one, such as): (.+?)(?: …)?$"),
    regex(r"; write (no)\b"),
    regex(r"write '(one customer)'$"),
    regex(r"write (REDACTED_[A-Z]+_\d+)\b"),
    regex(r"; write it as (\d{4}-\d\d-\d\d)$"),
)


def words_offered(message: str) -> tuple[str, ...]:
    """The words a message offers for what it underlines, the likeliest first; none in others."""
    match = next((match for pattern in _OFFERED if (match := pattern.search(message))), None)
    return tuple(word.strip() for word in match[1].split(", ")) if match else ()
