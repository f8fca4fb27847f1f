"""What should a reviewer see? The one comment of a pull request, as Markdown.

A hidden first line lets whoever posts it find the earlier comment and replace it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kb.lint.registry import ADVICE, ERROR, Problem
from kb.metrics.actions import Action
from kb.publish.html import escape
from kb.search.answer import Match

MARKER = "<!-- kb-review -->"
#: Git hosts refuse comments above 65,536 characters.
_MAX_LENGTH = 60_000
_SHOWN_PROBLEMS = 30
_MARKS = {ERROR: "❌", ADVICE: "💡"}
_SPECIAL = re.compile(r"([\\`*_\[\]|~])")


@dataclass(frozen=True, slots=True)
class ReviewedRecord:
    """One new or changed record with all that is said of it.

    `priors` have no verdict of the author yet, None where search could not run; `promises` are open
    actions of earlier records with the same primary class; `evidence` says what the record holds.
    """

    id: str
    path: str
    title: str
    problems: tuple[Problem, ...]
    priors: tuple[Match, ...] | None
    promises: tuple[Action, ...]
    evidence: tuple[tuple[str, bool], ...]


def review_comment(records: Iterable[ReviewedRecord], removed: Iterable[str] = ()) -> str:
    """The whole comment. `removed` are the paths of records the branch deletes."""
    records = tuple(records)
    parts = [MARKER, "## Postmortem review", _summary(records)]
    parts += [_record(record) for record in records]
    parts += [
        f"⚠️ This branch deletes `{plain(path)}`; its id is gone for good." for path in removed
    ]
    text = "\n\n".join(parts) + "\n"
    if len(text) > _MAX_LENGTH:
        text = (
            text[:_MAX_LENGTH].rsplit("\n", 1)[0]
            + "\n\n… cut here; run `kb review` for the rest.\n"
        )
    return text


def plain(text: str) -> str:
    """Record text for a comment: no markup, no mention of people, no reference to other issues."""
    one_line = " ".join(text.split())
    escaped = _SPECIAL.sub(r"\\\1", escape(one_line).replace("&#x27;", "'").replace("&quot;", '"'))
    return re.sub(r"([@#])(?=\w)", "\\1\u200b", escaped)


def _summary(records: tuple[ReviewedRecord, ...]) -> str:
    if not records:
        return "No postmortem is new or changed in this branch."
    faults = sum(problem.severity == ERROR for record in records for problem in record.problems)
    priors = sum(len(record.priors or ()) for record in records)
    promises = len({action.id for record in records for action in record.promises})
    said = [
        _count(len(records), "record"),
        f"**{_count(faults, 'fault')}**",
        f"{_count(priors, 'likely prior incident')} without a verdict",
        f"{_count(promises, 'open promise')} of the same class",
    ]
    return " · ".join(said)


def _record(record: ReviewedRecord) -> str:
    parts = [f"### {plain(record.title)}\n\n`{plain(record.path)}`"]
    parts.append(_problems(record.problems))
    parts.append(_priors(record))
    if record.promises:
        lines = "\n".join(_promise(action) for action in record.promises)
        parts.append(f"**Promised before for this class, and still open**\n\n{lines}")
    held = " · ".join(f"{'✅' if there else '⬜'} {plain(name)}" for name, there in record.evidence)
    parts.append(f"**What the record holds** {held}")
    return "\n\n".join(parts)


def _problems(problems: tuple[Problem, ...]) -> str:
    if not problems:
        return "✅ `kb check` finds no fault."
    ordered = sorted(problems, key=lambda problem: (problem.severity != ERROR, problem.line))
    rows = "\n".join(
        f"| {problem.line} | {_MARKS[problem.severity]} {plain(problem.message)} "
        f"| `{problem.rule}` {plain(problem.name)} |"
        for problem in ordered[:_SHOWN_PROBLEMS]
    )
    more = len(problems) - _SHOWN_PROBLEMS
    rest = f"\n\n… and {more} more; `kb check` shows them all." if more > 0 else ""
    return f"| line | | rule |\n|---:|---|---|\n{rows}{rest}"


def _priors(record: ReviewedRecord) -> str:
    if record.priors is None:
        return "_Likely prior incidents were not looked up: the `search` extra is not installed._"
    if not record.priors:
        return "✅ No likely prior incident is without a verdict."
    lines = "\n".join(_prior(match) for match in record.priors)
    hint = "`- [repeat] [id](id.md) — why, fix existed: yes` (or `related`, `different`)"
    return (
        "**Has this happened before?** These are likely of the same class, and the Counterfactual "
        f"gives no verdict on them:\n\n{lines}\n\nAnswer there with {hint}."
    )


def _prior(match: Match) -> str:
    reasons = f" — {plain('; '.join(match.reasons))}" if match.reasons else ""
    owed = sum(action.state == "open" for action in match.actions)
    promised = f" Promised then: {_count(len(match.actions), 'action')}, {owed} still open."
    return f"- **{match.probability:.0%}** {plain(match.title)} (`{plain(match.id)}`){reasons}." + (
        promised if match.actions else ""
    )


def _promise(action: Action) -> str:
    late = f", {_count(action.days_overdue, 'day')} overdue" if action.days_overdue > 0 else ""
    due = f", due {action.due}" if action.due else ""
    owner = plain(action.owner or "nobody")
    return f"- `{plain(action.id)}` {plain(action.text)} — {owner}{due}{late}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
