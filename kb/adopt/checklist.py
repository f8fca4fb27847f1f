"""The list on which proposals are confirmed, and what is confirmed in the records.

    ## 2021-03-03-queue-3-stood-still

    **Queue 3 stood still.** Each order was sent to the printer twice, and …

    - [ ] class: duplicate-side-effect (62 %) – An effect happened more often than was asked.
    - [ ] cause:

A tick takes a word over; another word may be written in its place. Nothing else is ever written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kb.adopt.classify import KEYS, RecordProposals, WordProposal, missing_keys
from kb.did_you_mean import nearest_word
from kb.errors import KbError
from kb.library import Library
from kb.records.document import Document
from kb.records.form import Form
from kb.safe_files import replace_known
from kb.search.indexed_records.passages import plain_text, record_passages

#: What a key is called on the list.
NAMES = {"classes": "class", "causes": "cause", "missing_control": "control"}
_KEYS_BY_NAME = {name: key for key, name in NAMES.items()}
_RECORD = re.compile(r"##[ \t]+(\S+)[ \t]*$")
_TICK = re.compile(r"[ \t]*[-*+][ \t]+\[(?P<box>[ xX])\][ \t]+(?P<name>\w+):[ \t]*(?P<word>[\w-]*)")
_HEAD = """# Class, cause and control of adopted records

Tick what is right, or write another word in its place and tick that; leave the rest.
The words there are stand at the end.
The number says how often such a proposal holds on public incidents of AI agents.
Where no word stands, none is likelier than the most frequent one is anyway.
`kb adopt --classify --checklist FILE` then writes what is ticked, and nothing else.
"""
_LONGEST_EXCERPT = 300
_LABEL = re.compile(r"[A-Z][\w /-]{1,24}: ")


@dataclass(frozen=True)
class ConfirmedWords:
    """What a person confirmed of one record: a word for each of some keys."""

    document: Document
    words: Mapping[str, str]


def checklist(proposed: Iterable[RecordProposals]) -> str:
    """The proposals as a list to tick, the surest record first."""
    found, parts = surest_first(proposed), [_HEAD]
    for record in found:
        document = record.document
        title = " ".join(document.title.split()).rstrip(".")
        lines = [f"## {document.id}", "", f"**{title}.** {excerpt(document)}".rstrip(), ""]
        lines += [_line(proposal, document.form) for proposal in record.words]
        parts.append("\n".join(lines) + "\n")
    return "\n".join([*parts, _words(found)]) if found else _HEAD


def _line(proposal: WordProposal, form: Form) -> str:
    if not proposal.word:
        return f"- [ ] {NAMES[proposal.key]}:"
    meaning = form.definition(proposal.key, proposal.word)
    word = f"{proposal.word} ({proposal.probability:.0%})"
    return f"- [ ] {NAMES[proposal.key]}: {word}{f' – {meaning}' if meaning else ''}"


def _words(found: Sequence[RecordProposals]) -> str:
    """The words of the form for each key, as the end of the list."""
    form = found[0].document.form
    rows = (f"- {NAMES[key]}: {', '.join(sorted(form.words(key)))}" for key in KEYS)
    return "\n".join(["# Words", "", *rows]) + "\n"


def excerpt(document: Document) -> str:
    """How the summary of a record begins, else its text, as plain words on one line."""
    summary = document.section("summary")
    prose = plain_text(summary.prose) if summary else ""
    passages = [one.text for one in record_passages(document)] if not prose else []
    # A passage that begins with a label is of the head: `Date: …`.
    prose = prose or next((text for text in passages if not _LABEL.match(text)), "")
    text = " ".join((prose or "".join(passages[:1])).split())
    if len(text) <= _LONGEST_EXCERPT:
        return text
    return f"{text[:_LONGEST_EXCERPT].rpartition(' ')[0] or text[:_LONGEST_EXCERPT]} …"


def surest_first(found: Iterable[RecordProposals]) -> list[RecordProposals]:
    """The records whose first proposal is likeliest to hold come first."""
    return sorted(found, key=lambda record: -max(p.probability for p in record.words))


def read_checklist(text: str, library: Library, where: str) -> tuple[ConfirmedWords, ...]:
    """What is ticked, record by record.

    Raises `KbError` with the line of a record or a word that does not exist.
    """
    documents = {document.id: document for document in library.documents}
    found: dict[str, dict[str, str]] = {}
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{where}:{number}"
        if head := _RECORD.match(line):
            current = head[1]
            if current not in documents or not documents[current].is_adopted:
                raise KbError("no adopted record has this id", where=place, todo="Remove its part.")
        tick = _TICK.match(line)
        if tick and tick["box"] != " ":
            key, word = _ticked(tick, library, place)
            found.setdefault(current, {})[key] = word
    return tuple(ConfirmedWords(documents[name], words) for name, words in found.items() if name)


def _ticked(tick: re.Match[str], library: Library, place: str) -> tuple[str, str]:
    key = _KEYS_BY_NAME.get(tick["name"], "")
    if not key:
        names = ", ".join(_KEYS_BY_NAME)
        raise KbError(f"'{tick['name']}' is none of {names}", where=place)
    if not tick["word"]:
        todo = "Write a word of the form behind it, or take the tick away."
        raise KbError(f"{tick['name']} is ticked and has no word", where=place, todo=todo)
    return key, known_word(library, key, tick["word"], place)


def known_word(library: Library, key: str, word: str, where: str = "") -> str:
    """A word of a key's vocabulary. Raises `KbError` for any other, with the nearest."""
    words = library.form.words(key)
    if word in words:
        return word
    near = nearest_word(word, words)
    todo = f"Did you mean {near}?" if near else f"One of: {', '.join(sorted(words))}."
    raise KbError(f"{NAMES[key]} '{word}' is no word of the form", where=where, todo=todo)


def write_confirmed(library: Library, confirmed: Iterable[ConfirmedWords]) -> int:
    """Writes the words into the front matter of their records; how many records changed.

    A key that a record fills meanwhile is left as it is. Raises `KbError` where one cannot be
    written; those before it are.
    """
    changed = 0
    for one in confirmed:
        lacking = missing_keys(one.document)
        words = {key: one.words[key] for key in KEYS if key in one.words and key in lacking}
        if not words:
            continue
        path = library.root / one.document.path
        text = with_words(one.document, words)
        try:
            is_done = replace_known(path, one.document.encode(), text.encode("utf-8", "replace"))
        except OSError as error:
            raise KbError(f"cannot be written: {error.strerror}", where=str(path)) from error
        if not is_done:
            raise KbError("changed meanwhile", where=str(path), todo="Run the command again.")
        changed += 1
    return changed


def with_words(document: Document, words: Mapping[str, str]) -> str:
    """The text of a record with lines for these keys at the end of its front matter."""
    lines = [
        f"{key}: {word if key == 'missing_control' else f'[{word}]'}  # proposed, and confirmed\n"
        for key, word in words.items()
    ]
    if not document.front.present:
        return "".join(("---\n", *lines, "---\n\n", document.text))
    rows = document.text.splitlines(keepends=True)
    end = document.front.end_line - 1
    kept = _without_blank(rows[:end], words)
    return "".join((*kept, *lines, *rows[end:]))


def _without_blank(rows: Iterable[str], words: Mapping[str, str]) -> Iterator[str]:
    """The lines of front matter without those that leave one of these keys blank."""
    blank = re.compile(rf"(?:{'|'.join(words)}):[ \t]*(?:\[[ \t]*\]|unknown)?[ \t]*(?:#.*)?$")
    return (row for row in rows if not blank.match(row.rstrip("\r\n")))
