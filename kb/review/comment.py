"""The one comment of a pull request, as Markdown in which text of records has no effect.

A hidden first line lets whoever posts it find the earlier comment and replace it. The text comes
from files that anybody may propose: `quoting` makes it say what it says and do nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote as percent

from kb.actions.action import Action
from kb.humanize import plural
from kb.lint.rule import ADVICE, ERROR, Problem
from kb.records.action_and_prior_items import PRIOR_TO_FILL
from kb.review.advice import ReviewAdvice, ReviewedRecord
from kb.review.branch import RemovedRecord
from kb.sentences import clipped
from kb.terminal import visible

_MAX_LENGTH = 500
_MARKUP = re.compile(r"([\\`*_\[\]|~])")
#: What hosts take for a mention or a reference when a word follows. GitHub: @ # GH-; GitLab also
#: ! % ^ and &, which is an entity by then.
_REFERENCE = re.compile(r"(GH-|[@#!%^]|&amp;)(?=\w)", re.IGNORECASE)
#: Inside web and mail addresses: kept apart there, they are none.
_ADDRESS = re.compile(
    r"(?=://)|(?<=[\w.+-])(?=@)|(?<=\bwww)(?=\.)|(?<=\bmailto)(?=:)|(?<=\bxmpp)(?=:)", re.IGNORECASE
)
_APART = "\u200b"  # shows nothing
#: GitHub reads dollar signs as the ends of a formula unless they stand in an element.
_DOLLAR = "<span>$</span>"


def quoted(text: str, most: int = _MAX_LENGTH) -> str:
    """Text of a record as Markdown that shows it, cut at `most` characters."""
    return _REFERENCE.sub(rf"\1{_APART}", _shown(text, most))


def code(text: str) -> str:
    """The same in code type, where hosts look for no reference: it can be copied as it is."""
    return f"<code>{_shown(text, _MAX_LENGTH)}</code>"


def _shown(text: str, most: int) -> str:
    one_line = visible(" ".join(text[: 8 * most].split()))  # no more than can be needed
    cut = clipped(one_line, most)
    plain = _ADDRESS.sub(_APART, html.escape(cut, quote=False))
    return _MARKUP.sub(r"\\\1", plain).replace("$", _DOLLAR)


if TYPE_CHECKING:
    from kb.search.answer import Match, PassagePair

MARKER = "<!-- kb-review -->"
#: Git hosts refuse comments above 65,536 characters; the rest is for what a poster adds.
MAX_LENGTH = 60_000
_SHOWN_PROBLEMS = 30
_SHOWN_PROMISES = 6
_FOOT = "<sub><code>kb check --explain RULE</code> tells what a rule is for.</sub>"


def review_comment(review: ReviewAdvice, link: str = "") -> str:
    """The whole comment.

    `link` is the web address of the repository's files at the commit under review; with it, lines
    and records become links.
    """
    links = Links(link)
    ordered = sorted(review.records, key=lambda record: not _asks_something(record))
    opening = [part for part in (MARKER, "## Postmortem review", _verdict(review)) if part]
    opening += [*_settings(review), *_strays(review)]
    parts = [
        _Part(partial(_removed, record), partial(_removed, record)) for record in review.removed
    ]
    parts += [
        _Part(partial(_record, record, review, links), partial(_brief, record))
        for record in ordered
    ]
    return _fitted(opening, parts, [_FOOT] if review.errors else [])


class Links:
    """Addresses of files and lines; plain text where no address is known."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")

    def file(self, text: str, path: PurePosixPath) -> str:
        """A text, Markdown already, that leads to a file."""
        return f"[{text}]({self._base}/{percent(str(path))})" if self._base else text

    def line(self, path: PurePosixPath, number: int) -> str:
        """The number of a line, that leads to it."""
        if not self._base:
            return str(number)
        # Without ?plain=1 a Git host renders Markdown, which has no lines.
        return f"[{number}]({self._base}/{percent(str(path))}?plain=1#L{number})"


def _asks_something(record: ReviewedRecord) -> bool:
    return bool(record.priors or record.failed) or any(p.severity == ERROR for p in record.problems)


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a comment in full and in brief, written when it is needed."""

    full: Callable[[], str]
    brief: Callable[[], str]


def _fitted(opening: list[str], parts: list[_Part], closing: list[str]) -> str:
    """As much as a comment holds: in full, then in brief, then by number; none is cut through."""
    room = MAX_LENGTH - sum(len(part) + 2 for part in (*opening, *closing))
    shown: list[str] = []
    brief = False
    for part in parts:
        text = part.brief() if brief else part.full()
        if not brief and len(text) + 2 > room:
            text, brief = part.brief(), True
        if len(text) + 2 > room:
            rest = plural(len(parts) - len(shown), "more record")
            shown.append(f"… and {rest}: <code>kb review</code> shows what does not fit here.")
            break
        shown.append(text)
        room -= len(text) + 2
    return "\n\n".join([*opening, *shown, *closing]) + "\n"


def _brief(record: ReviewedRecord) -> str:
    faults = sum(problem.severity == ERROR for problem in record.problems)
    priors = plural(len(record.priors), "likely prior incident")
    return f"- {code(str(record.path))}: {plural(faults, 'fault')}, {priors} without a verdict"


def _verdict(review: ReviewAdvice) -> str:
    """One line that says whether somebody has to do something."""
    if not review.records:
        anything = review.removed or review.strays or review.changes
        return "" if anything else "No postmortem is new or changed in this branch."
    problems = [problem for record in review.records for problem in record.problems]
    faults = sum(problem.severity == ERROR for problem in problems)
    priors = sum(len(record.priors) for record in review.records)
    promises = len({action.id for record in review.records for action in record.promises})
    parts = [plural(len(review.records), "record"), plural(faults, "fault")]
    if not review.why_no_search and not review.words_only:
        parts.append(f"{plural(priors, 'likely prior incident')} without a verdict")
    parts.append(f"{plural(promises, 'open promise')} of the same class")
    mark = "❌" if review.errors else "💬" if priors else "✅"
    return f"{mark} **{' · '.join(parts)}**"


def _removed(record: RemovedRecord) -> str:
    if record.renamed_to:
        what = (
            f"⚠️ {code(str(record.path))} is renamed to {code(record.renamed_to)}. An id never "
            "changes, so that links to it hold: keep the old name."
        )
    else:
        what = f"⚠️ {code(str(record.path))} is deleted, and its id is gone for good."
    if record.named_by:
        names = ", ".join(code(name) for name in record.named_by[:_SHOWN_PROMISES])
        what += f" It is named as an earlier incident by {names}."
    if record.promises and not record.renamed_to:
        what += f" {plural(len(record.promises), 'open promise')} would go with it."
    return what


def _settings(review: ReviewAdvice) -> list[str]:
    if not review.settings:
        return []
    text = (
        f"⚠️ This branch changes {code(review.settings)}: read that change first. Where the records "
        "are, and the rules on records and privacy, are those of its base."
    )
    changes = "\n".join(f"- {code(change)}" for change in review.changes)
    return [text, changes] if changes else [text]


def _strays(review: ReviewAdvice) -> list[str]:
    """The problems of files that no record has, as one table."""
    if not review.strays:
        return []
    rows = [
        f"| {code(str(problem.path))} | {problem.line} | {quoted(problem.message)} "
        f"| {code(problem.rule)} {quoted(problem.name)} |"
        for problem in review.strays[:_SHOWN_PROBLEMS]
    ]
    more = len(review.strays) - _SHOWN_PROBLEMS
    rest = [f"… and {more} more: `kb check --changed-since` shows all."] if more > 0 else []
    head = ["| file | line | what | rule |", "|:---|---:|:---|:---|"]
    return ["**Files of no record**", "\n".join([*head, *rows]), *rest]


def _record(record: ReviewedRecord, review: ReviewAdvice, links: Links) -> str:
    classes = [code(name) for name in record.classes]
    facts = " · ".join([code(str(record.path)), *map(quoted, record.facts), *classes])
    parts = [f"### {links.file(quoted(record.title), record.path)}", facts]
    parts += _problems(record, links)
    parts += _failed(record.failed)
    parts += _priors(record, review, links)
    parts += _promises(record.promises)
    parts += _holdings(record)
    return "\n\n".join(parts)


def _problems(record: ReviewedRecord, links: Links) -> Iterator[str]:
    faults = [problem for problem in record.problems if problem.severity == ERROR]
    advice = [problem for problem in record.problems if problem.severity == ADVICE]
    if faults:
        yield f"**{plural(len(faults), 'fault')}**"
        yield _table(faults, record.path, links)
    else:
        yield "✅ `kb check` finds no fault."
    if advice:
        words = f"{len(advice)} {'piece' if len(advice) == 1 else 'pieces'} of advice"
        yield _folded(words, _table(advice, record.path, links))


def _table(problems: list[Problem], path: PurePosixPath, links: Links) -> str:
    ordered = sorted(problems, key=lambda problem: problem.line)
    rows = [
        f"| {links.line(path, problem.line)} | {quoted(problem.message)} "
        f"| {code(problem.rule)} {quoted(problem.name)} |"
        for problem in ordered[:_SHOWN_PROBLEMS]
    ]
    more = len(problems) - _SHOWN_PROBLEMS
    rest = f"\n\n… and {more} more: `kb check` shows all of them." if more > 0 else ""
    return "\n".join(["| line | what | rule |", "|---:|:---|:---|", *rows]) + rest


def _priors(record: ReviewedRecord, review: ReviewAdvice, links: Links) -> Iterator[str]:
    if review.why_no_search:
        yield f"➖ Earlier incidents were not looked up: {quoted(review.why_no_search)}."
        return
    if review.words_only:
        yield from _by_words(record, review.words_only, links)
        return
    if record.priors:
        yield (
            "**Has this happened before?** Likely the same class, and the Counterfactual gives no "
            "verdict:"
        )
        yield "\n".join(_prior(match, record.path.parent, links) for match in record.priors)
        words = f"{code('repeat')}, {code('related')} or {code('different')}"
        yield f"Say in the Counterfactual what each is: {words}."
        yield _block([f"- [ ] [{m.id}]({m.id}.md) — {PRIOR_TO_FILL}" for m in record.priors])
    else:
        yield "✅ No likely prior incident is without a verdict."
    if record.distant:
        names = "\n".join(_distant(match, record.path.parent, links) for match in record.distant)
        yield _folded(f"{len(record.distant)} less likely, no verdict asked", names)


def _by_words(record: ReviewedRecord, words_only: str, links: Links) -> Iterator[str]:
    """What shares rare words: an order without probabilities, so that nobody owes a verdict."""
    yield f"➖ {quoted(words_only)}"
    if record.distant:
        names = "\n".join(_distant(match, record.path.parent, links) for match in record.distant)
        yield _folded(f"{len(record.distant)} alike by words, no verdict asked", names)


def _prior(match: Match, folder: PurePosixPath, links: Links) -> str:
    title = links.file(f"**{quoted(match.title)}**", folder / f"{match.id}.md")
    lines = [f"- **{match.probability or 0:.0%}** {title} ({match.date})"]
    if match.reasons:
        lines.append(f"  Why: {quoted('; '.join(match.reasons))}.")
    lines += [f"  {_passage(match.passages[0])}"] if match.passages else []
    lines += [f"  {_promised(match)}"] if match.actions else []
    return "<br>\n".join(lines)


def _passage(pair: PassagePair) -> str:
    from kb.search.aligned_passages import excerpt

    where = f"{quoted(pair.section)}: " if pair.section else ""
    return f"There: {where}“{quoted(excerpt(pair.text, pair.query_text))}”"


def _promised(match: Match) -> str:
    owed = [action for action in match.actions if action.state == "open"]
    text = f"Promised then: {plural(len(match.actions), 'action')}, {len(owed)} still open"
    if not owed:
        return f"{text}."
    return f"{text}: {'; '.join(quoted(action.text) for action in owed[:2])}."


def _distant(match: Match, folder: PurePosixPath, links: Links) -> str:
    title = links.file(quoted(match.title), folder / f"{match.id}.md")
    if match.probability is None:
        return f"- {title} ({match.date}): {quoted('; '.join(match.reasons))}"
    return f"- {match.probability:.0%} {title} ({match.date})"


def _promises(promises: tuple[Action, ...]) -> Iterator[str]:
    if not promises:
        return
    lines = [_promise(action) for action in promises[:_SHOWN_PROMISES]]
    more = len(promises) - _SHOWN_PROMISES
    lines += [f"- … and {more} more: `kb actions` lists them."] if more > 0 else []
    yield "**Still owed for this class**"
    yield "\n".join(lines)


def _failed(failed: tuple[Action, ...]) -> Iterator[str]:
    """What was done after an earlier incident, and did not prevent this one."""
    if not failed:
        return
    lines = [_failure(action) for action in failed[:_SHOWN_PROMISES]]
    more = len(failed) - _SHOWN_PROMISES
    lines += [f"- … and {more} more: `kb actions --effect failed` lists them."] if more > 0 else []
    yield "❗ **Done, and it came again**"
    yield "\n".join(lines)


def _failure(action: Action) -> str:
    gate = f"; holds the gate {quoted(action.gate)} again" if action.gate else ""
    closed = f"closed {action.closed}" if action.closed else "done"
    text = f"{closed}; {quoted(action.effect_why)}{gate}"
    return f"- {quoted(action.text)} — {quoted(action.owner or 'nobody')}, {text} {code(action.id)}"


def _promise(action: Action) -> str:
    due = f", due {action.due}" if action.due else ", no due date"
    late = f" (**{plural(action.days_overdue, 'day')} late**)" if action.days_overdue > 0 else ""
    owner = quoted(action.owner or "nobody")
    return f"- {quoted(action.text)} — {owner}{due}{late} {code(action.id)}"


def _holdings(record: ReviewedRecord) -> Iterator[str]:
    marks = {True: "✅", False: "⬜", None: "➖"}
    if record.evidence:
        held = " · ".join(f"{marks[there]} {name}" for name, there in record.evidence)
        yield f"**What it holds**<br>\n{held}"
    if record.silenced:
        lines = [
            f"- {quoted(rules)} — {quoted(why or 'no reason')}" for rules, why in record.silenced
        ]
        yield "\n".join(["🔕 Rules this record silences:", "", *lines])


def _folded(title: str, inner: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{inner}\n\n</details>"


def _block(lines: Iterable[str]) -> str:
    return "\n".join(["```markdown", *(" ".join(line.split()) for line in lines), "```"])
