"""New records: the blank form of a profile, each question above its answer."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby

from kb.config import CheckConfig
from kb.records.compound_values import Clocks
from kb.records.form import Form, build_form
from kb.records.form_sections import Section
from kb.records.front_matter_keys import KEYS

_MAX_SLUG = 60
_DIGEST = 6
#: Latin letters that Unicode takes for letters of their own, not for one with a mark.
_LATIN = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
        "ħ": "h", "ı": "i", "ŋ": "n", "ŧ": "t", "ĸ": "k", "ə": "e", "ƒ": "f",
    }
)  # fmt: skip
#: A question a one-page draft leaves open becomes an action due within this time (SPEC 2.2).
OPEN_QUESTION_DAYS = 90
ONE_PAGE = "one-page"
#: What the draft of a one page says of itself, and what any other does.
ONE_PAGE_NOTE = "<!-- One sentence each; `kb new --full FILE` asks the rest. -->"
FULL_NOTE = (
    f"<!-- About {CheckConfig().word_budget:,} words in all, evidence not counted: link to traces "
    "rather than paste them.\n     `kb words KEY` explains the words a key may take. -->"
)
#: The line a clock gives a timeline: what happened then, and its tag.
_ENTRY_OF_CLOCK = {
    "route_start": "the run starts [trigger]",
    "first_warning": "first warning [warning]",
    "first_impact": "first effect outside the route [impact]",
    "detected": "we know [detected]",
    "contained": "it can do no further harm [contained]",
    "restarted": "the route runs again [restart]",
}
_SCHEMA_LINE = "# yaml-language-server: $schema=front-matter.schema.json"


@dataclass(frozen=True)
class Prefill:
    """What is already known when a draft is made.

    `front` maps front-matter keys to YAML text; `sections` maps section keys to the Markdown that
    stands in place of the blank evidence lines.
    """

    front: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)


def slug(title: str, nameless: str = "incident") -> str:
    """The title as the end of a file name: lower case ASCII words joined by hyphens.

    Where most of its letters are not Latin the words say little or nothing, and a digest of the
    title tells it from others; `nameless` stands before it where there are none.
    """
    letters = [letter for letter in _folded(title) if letter.isalpha()]
    latin = sum(letter.isascii() for letter in letters)
    words = ascii_words(title)
    if words and latin * 2 >= len(letters):
        return words
    text = unicodedata.normalize("NFC", title).encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(text).hexdigest()[:_DIGEST]
    head = ascii_words(title, _MAX_SLUG - _DIGEST - 1) if latin else nameless
    return f"{head}-{digest}"


def ascii_words(text: str, most: int = _MAX_SLUG) -> str:
    """The words of a text as lower case ASCII joined by hyphens, cut at a word; may be empty."""
    words = re.findall(r"[a-z0-9]+", _folded(text).encode("ascii", "ignore").decode())
    short = words[0][:most] if words else ""
    for word in words[1:]:
        if len(short) + len(word) + 1 > most:
            break
        short = f"{short}-{word}"
    return short


def _folded(text: str) -> str:
    """A text in lower case, its letters without their marks."""
    return unicodedata.normalize("NFKD", text.lower().translate(_LATIN)).lower()


def blank_record(
    title: str, day: date, *, profile: str, form: Form, prefill: Prefill | None = None
) -> str:
    """The text of a draft with the sections of a profile, as `kb new` writes it."""
    prefill = prefill or Prefill()
    is_one_page = profile == ONE_PAGE
    parts = [_front_matter(title, day, form, prefill, is_one_page=is_one_page), f"# {title}\n"]
    parts.append(f"{ONE_PAGE_NOTE if is_one_page else FULL_NOTE}\n")
    for section in _sections(profile, form, prefill):
        body = prefill.sections.get(section.key)
        asked = one_question(section) if is_one_page else questions(section, form)
        body = body if body is not None or is_one_page else blank_body(section, form)
        parts.append(section_text(section, asked, body or ""))
    return "\n".join(parts)


def blank_template() -> str:
    """The full form without a date of its own: `postmortems/template.md`, for `cp`."""
    text = blank_record("What the agent did", date(2000, 1, 1), profile="full", form=build_form())
    return text.replace("2000-01-01", "YYYY-MM-DD")


def section_text(section: Section, asked: str, body: str) -> str:
    """A section: its heading, what it asks as a comment, and what stands below."""
    return "\n".join([f"## {section.heading}", "", asked, "", body]).rstrip() + "\n"


def one_question(section: Section) -> str:
    """The question of a section for one sentence, as a comment."""
    return f"<!-- {section.question or section.prompt} -->"


def questions(section: Section, form: Form) -> str:
    """The question of a section, an example and the words it takes, as a comment."""
    lines = [section.prompt]
    lines += [f"e.g. {section.example_line}"] if section.example else []
    return "<!-- " + "\n     ".join([*lines, *_closed_lists(section, form)]) + " -->"


def evidence_questions(section: Section, form: Form) -> str:
    """The lists that the evidence lines of a section take their words from, empty for none."""
    lines = _closed_lists(section, form)
    return "<!-- " + "\n     ".join(lines) + " -->\n\n" if lines else ""


def _closed_lists(section: Section, form: Form) -> list[str]:
    """A line for each closed list; fields that stand together and share one share a line."""
    lines = [f"{name.rpartition('_')[2]}: {_either(form, name)}" for name in section.vocabularies]
    for words, fields in groupby(section.fields, key=lambda field: field.words):
        if words:
            lines.append(f"{', '.join(field.key for field in fields)}: {' | '.join(words)}")
    return lines


def _either(form: Form, taxonomy: str) -> str:
    return " | ".join(word.name for word in form.taxonomies[taxonomy])


def blank_body(section: Section, form: Form, clocks: Clocks | None = None) -> str:
    """What a blank section holds below its question; a timeline the clocks that are known."""
    if section.key == "timeline":
        return "\n".join(_dated_lines(clocks or Clocks()))
    if section.key == "root_cause":
        return f"{blank_evidence(section)}\n\n### Code\n\n\n### Model\n"
    return blank_evidence(section)


def blank_evidence(section: Section) -> str:
    """The fence with every evidence line of a section, empty where it has none."""
    lines = [f"{field.key}:" for field in section.fields]
    return "\n".join(["```evidence", *lines, "```"]) if lines else ""


def _dated_lines(clocks: Clocks) -> Iterator[str]:
    known = [(at, name) for name, at in clocks.known() if name in _ENTRY_OF_CLOCK]
    for at, name in sorted(known, key=lambda clock: clock[0]):  # of two at once the form's order
        yield f"- {at:%Y-%m-%d %H:%M} UTC — {_ENTRY_OF_CLOCK[name]}"


def open_question(section: Section, day: date, label: str = "A1") -> str:
    """The task that a question of the one page becomes when it is left open."""
    due = (day + timedelta(days=OPEN_QUESTION_DAYS)).isoformat()
    return (
        f"- [ ] {label}: answer “{section.heading}” — owner: unknown, due: {due}, "
        "lever: review-process"
    )


def _sections(profile: str, form: Form, prefill: Prefill) -> list[Section]:
    """The sections of a profile, and a timeline where its lines are known already."""
    keys = list(form.profiles[profile])
    if "timeline" in prefill.sections and "timeline" not in keys:
        order = form.grown_order
        after = [n for n, key in enumerate(keys) if order.index(key) < order.index("timeline")]
        keys.insert(after[-1] + 1 if after else 0, "timeline")
    return [form.section(key) for key in keys]


def _front_matter(title: str, day: date, form: Form, prefill: Prefill, *, is_one_page: bool) -> str:
    values = {
        "title": json.dumps(title, ensure_ascii=False) if _needs_quotes(title) else title,
        "date": day.isoformat(),
    }
    values |= {
        row.name: text for row in KEYS if (text := row.one_page if is_one_page else row.blank)
    }
    values |= prefill.front
    lines = [line for key, text in values.items() for line in front_lines(key, text, form)]
    return "\n".join(["---", _SCHEMA_LINE, *lines, "---"])


def front_lines(key: str, text: str, form: Form) -> list[str]:
    """A front-matter key with its value, below a comment with the words it may take."""
    row = next((row for row in KEYS if row.name == key), None)
    hint = (_either(form, row.taxonomy) if row.taxonomy else row.hint) if row else ""
    comment = [f"# {key}: {hint}"] if hint else []
    return [*comment, f"{key}: {text}".replace(": \n", ":\n", 1)]


def _needs_quotes(text: str) -> bool:
    plain = re.fullmatch(r"[A-Za-z][^:#\n\"'\[\]{},&*!|>%@`]*", text)
    return (
        not plain or text.strip() != text or text.lower() in {"yes", "no", "true", "false", "null"}
    )
