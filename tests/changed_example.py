"""The worked example, changed a little, and what the rules on evidence and root cause say to it."""

from __future__ import annotations

from datetime import date
from pathlib import Path, PurePath

from kb.config import CheckConfig
from kb.lint.registry import all_rules
from kb.lint.rule import LintContext, run_rules
from kb.records.document import read_document
from kb.records.form import build_form

from conftest import EXAMPLE

FORM = build_form()
TEXT = EXAMPLE.read_text("utf-8").replace(
    f"FIXTURE: {EXAMPLE.stem}/fixture.json\nREPLAYABLE: yes",
    "REPLAYABLE: no\nMISSING: the bodies of the answers",
)
ACTIONS = TEXT[TEXT.index("## Action items") : TEXT.index("## Lessons")]
DRAFT = ("status: published", "status: draft")
PUBLIC = ("origin: example", "origin: public")


def changed(*pairs: tuple[str, str]) -> str:
    text = TEXT
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def with_actions(*actions: str) -> tuple[str, str]:
    return ACTIONS, "## Action items\n\n" + "".join(f"- [ ] {a}\n" for a in actions) + "\n"


def found(text: str, *, limit: int = 60, root: Path = Path("nowhere")) -> set[str]:
    """The names of the evidence and root-cause rules that fire."""
    path = PurePath("postmortems") / EXAMPLE.name
    document = read_document(text.encode(), path, FORM)
    settings = CheckConfig(containment_limit_minutes=limit)
    context = LintContext(FORM, settings, date(2026, 6, 1), root)
    rules = [rule for rule in all_rules() if rule.family in {"evidence", "root_cause"}]
    return {problem.name for problem in run_rules(document, context, rules)}
