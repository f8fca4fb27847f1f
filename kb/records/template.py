"""New records: the blank form of a profile, each question above its answer."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from kb.records.form import Form, build_form
from kb.records.front_matter_keys import KEYS
from kb.records.sections import Section

_MAX_SLUG = 60
_YAML_WORDS = {"yes", "no", "true", "false", "null", "on", "off"}
#: A question a one-page draft leaves open becomes an action due within this time (SPEC 2.2).
OPEN_QUESTION_DAYS = 90
_SCHEMA_LINE = "# yaml-language-server: $schema=front-matter.schema.json"


@dataclass(frozen=True)
class Prefill:
    """What is already known when a draft is made.

    `front` maps front-matter keys to YAML text; `sections` maps section keys to the Markdown that
    stands in place of the blank evidence lines.
    """

    front: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)


def slug(title: str) -> str:
    """The title as the end of a file name: lower case ASCII words joined by hyphens."""
    ascii_text = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", ascii_text.lower())
    text = ""
    for word in words:
        if len(text) + len(word) + 1 > _MAX_SLUG:
            break
        text = f"{text}-{word}" if text else word
    return text or "untitled"


def blank_record(
    title: str, day: date, *, profile: str, form: Form, prefill: Prefill | None = None
) -> str:
    """The text of a draft with the sections of a profile, as `kb new` writes it."""
    prefill = prefill or Prefill()
    parts = [_front_matter(title, day, form, prefill), f"# {title}\n"]
    for key in form.profiles[profile]:
        parts.append(blank_section(form.section(key), day, body=prefill.sections.get(key)))
    if profile == "one-page" and "actions" not in form.profiles[profile]:
        parts.append(_open_questions(form, day))
    return "\n".join(parts)


def blank_template() -> str:
    """The full form without a date of its own: `postmortems/template.md`, for `cp`."""
    text = blank_record("What the agent did", date(2000, 1, 1), profile="full", form=build_form())
    return text.replace("2000-01-01", "YYYY-MM-DD")


def blank_section(section: Section, day: date, *, body: str | None = None) -> str:
    """One section with its question as a comment, an example, and its evidence lines to fill in."""
    lines = [f"## {section.heading}", "", f"<!-- {section.prompt}"]
    lines += [f"     e.g. {section.example.splitlines()[0]} -->", ""]
    lines.append(body if body is not None else _blank_body(section, day))
    return "\n".join(lines).rstrip() + "\n"


def _blank_body(section: Section, day: date) -> str:
    if section.key == "timeline":
        return f"- {day.isoformat()} 00:00 UTC —  [impact]"
    if section.key == "root_cause":
        return "### Code\n\n\n### Model\n"
    if section.key == "actions":
        return ""
    if section.fields:
        lines = "\n".join(f"{field.key}:" for field in section.fields)
        return f"```evidence\n{lines}\n```"
    return ""


def _front_matter(title: str, day: date, form: Form, prefill: Prefill) -> str:
    values = {
        "title": json.dumps(title, ensure_ascii=False) if _needs_quotes(title) else title,
        "date": day.isoformat(),
        **{row.name: row.blank for row in KEYS if row.blank},
        **prefill.front,
    }
    lines = [f"{key}: {text}".replace(": \n", ":\n", 1) for key, text in values.items()]
    hints = [f"# classes: {', '.join(word.name for word in form.taxonomies['classes'])}"]
    return "\n".join(["---", _SCHEMA_LINE, *hints, *lines, "---"])


def _needs_quotes(text: str) -> bool:
    plain = re.fullmatch(r"[A-Za-z][^:#\n\"'\[\]{},&*!|>%@`]*", text)
    return (
        not plain or text.strip() != text or text.lower() in {"yes", "no", "true", "false", "null"}
    )


def _open_questions(form: Form, day: date) -> str:
    """The action list of a one-page draft: one task for each question that is still open."""
    due = (day + timedelta(days=OPEN_QUESTION_DAYS)).isoformat()
    section = form.section("actions")
    tasks = [
        f"- [ ] A{number}: answer what “{form.section(key).heading}” leaves open"
        f" — owner: unknown, due: {due}, lever: review-process"
        for number, key in enumerate(form.profiles["one-page"], 1)
    ]
    hint = "<!-- Tick or delete what this page already answers. -->"
    return "\n".join([f"## {section.heading}", "", hint, "", *tasks]) + "\n"
