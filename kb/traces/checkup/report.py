"""A checkup as lines for terminal and Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from kb.terminal import visible_lines
from kb.traces.analyses.finding import counted, one_line
from kb.traces.checkup.measure import RunSummary
from kb.traces.checkup.signs import KINDS, Sign
from kb.traces.checkup.summary import SUSPICIOUS, Checkup, Share

_SIGNS_SHOWN = 3
_SKIPPED_SHOWN = 20
_MISSING_SHOWN = 12
_METHOD = (
    "The score is a sum of signs whose weights were set by reason, with the 100 airline runs of "
    "tau-bench in view: a figure measured on those is no held-out one."
)


def checkup_markdown(done: Checkup, top: int) -> str:
    """The report as Markdown, which reads well as plain text too."""
    blocks = [_head(done), _coverage(done), _worth(done), _candidates(done, top)]
    blocks += [_signs(done), _missing(done), _skipped(done)]
    return visible_lines("\n\n".join(block for block in blocks if block) + "\n")


def checkup_json(done: Checkup, top: int) -> dict[str, Any]:
    """The report for machines."""
    base, hits = done.base_rate(), done.hit_rate()
    return {
        "schema": "kb.run-checkup/1",
        "files": done.files,
        "runs": done.runs,
        "equal_runs_left_out": done.equal,
        "formats": dict(done.formats.most_common()),
        "effects_guessed": done.guessed,
        "coverage": {name: {"k": share.k, "n": share.n} for name, share in done.coverage()},
        "suspicious": {"k": done.suspicious, "n": done.runs, "from_score": SUSPICIOUS},
        "base_rate": {"k": base.k, "n": base.n} if base else None,
        "hit_rate": {"k": hits.k, "n": hits.n} if base else None,
        "ranking": [
            {"name": w.name, "auc": w.auc, "low": w.low, "high": w.high} for w in done.worths()
        ],
        "candidates": [msgspec.to_builtins(facts) for facts in done.candidates[:top]],
        "signs": dict(done.kinds.most_common()),
        "missing": dict(done.missing.most_common()),
        "skipped": [{"file": file, "why": why} for file, why in done.skipped],
    }


def _head(done: Checkup) -> str:
    formats = f" ({counted(done.formats)})" if done.formats else ""
    files = "1 file" if done.files == 1 else f"{done.files} files"
    lines = [f"# Checkup: {done.runs} runs in {files}{formats}"]
    if done.equal:
        runs = "1 run that equals" if done.equal == 1 else f"{done.equal} runs that equal"
        lines += ["", f"Left out: {runs} an earlier one, message by message and call by call."]
    if done.guessed:
        lines += [
            "",
            f"In {done.guessed} runs nobody says what some tools do: for this list their names "
            "were taken as a hint. Name them under [runs.effects] in kb.toml.",
        ]
    return "\n".join(lines)


def _coverage(done: Checkup) -> str:
    rows = ["## What these runs could show", "", "| of the runs | | |", "|---|---|---|"]
    rows += [
        f"| {name} | {share.k} of {share.n} | {_percent(share)} |"
        for name, share in done.coverage()
    ]
    return "\n".join([*rows, "", "Reading back and keys: of the runs that wrote something."])


def _worth(done: Checkup) -> str:
    """What the ranking is worth here, where the source tells how runs ended."""
    share = Share(done.suspicious, done.runs)
    base = done.base_rate()
    lines = ["## What the ranking is worth", ""]
    lines += [_METHOD, "", f"Suspicious (score {SUSPICIOUS:g} or more): {_of(share)}."]
    if base is None:
        lines.append("The source does not say how enough of the runs ended; see docs/analyses.")
        return "\n".join(lines)
    lines.append(f"Failed, by the source's own word: {_of(base)}. That word moves no rank.")
    lines.append(f"Failed among the suspicious: {_of(done.hit_rate())}.")
    lines += ["", "| order by | AUC | 95 % interval |", "|---|---|---|"]
    lines += [f"| {w.name} | {w.auc:.2f} | {w.low:.2f}–{w.high:.2f} |" for w in done.worths()]
    return "\n".join(lines)


def _candidates(done: Checkup, top: int) -> str:
    found = done.candidates[:top]
    if not found:
        return "## Runs that deserve a look\n\nNone: no run has a sign that counts enough."
    lines = [f"## Runs that deserve a look, {len(found)} of {done.suspicious}", ""]
    for number, facts in enumerate(found, 1):
        lines += [*_candidate(number, facts)]
    return "\n".join(lines)


def _candidate(number: int, facts: RunSummary) -> Iterator[str]:
    where = f"{facts.file}, run {facts.number}" if facts.number > 1 else facts.file
    yield f"{number}. score {facts.score:g}: {_code(facts.run)}, {_code(where)}"
    for sign in [sign for sign in facts.signs if sign.weight > 0][:_SIGNS_SHOWN]:
        yield f"   - {sign.kind} (+{sign.weight:g}): {_plain(sign.message)}{_place(sign)}"
        if sign.evidence:
            yield f"     {_code(sign.evidence)}"
    for sign in (sign for sign in facts.signs if sign.weight < 0):
        yield f"   - {sign.kind} ({sign.weight:g}): {_plain(sign.message)}{_place(sign)}"


def _place(sign: Sign) -> str:
    parts = [f"step {sign.step}"] if sign.step is not None else []
    parts += [part for part in (sign.where, sign.time) if part]
    return f" ({', '.join(parts)})" if parts else ""


def _signs(done: Checkup) -> str:
    rows = ["## The signs", "", "| sign | counts | why | runs |", "|---|---|---|---|"]
    for kind in KINDS:
        share = Share(done.kinds[kind.name], done.runs)
        counts = f"{kind.weight:+g}, at most {kind.limit}"
        rows.append(f"| {kind.name} | {counts} | {kind.why} | {_of(share)} |")
    return "\n".join(rows)


def _missing(done: Checkup) -> str:
    if not done.missing:
        return ""
    rows = ["## Log lines that were missing", "", "| log this | missing in |", "|---|---|"]
    for name, number in done.missing.most_common(_MISSING_SHOWN):
        rows.append(f"| {name} | {_of(Share(number, done.runs))} |")
    return "\n".join(rows)


def _skipped(done: Checkup) -> str:
    if not done.skipped:
        return ""
    total = len(done.skipped) + done.skipped_more
    lines = [f"## Skipped, {total} files", ""]
    lines += [f"- {_code(file)}: {_plain(why)}" for file, why in done.skipped[:_SKIPPED_SHOWN]]
    if total > _SKIPPED_SHOWN:
        lines.append(f"- and {total - _SKIPPED_SHOWN} more")
    return "\n".join(lines)


def _of(share: Share) -> str:
    return f"{share.k} of {share.n} ({_percent(share)})"


def _percent(share: Share) -> str:
    return f"{share.k / share.n:.0%}" if share.n else "–"


def _plain(text: str) -> str:
    """Words that may quote a trace, with nothing in them that Markdown would read as markup."""
    return one_line(text).replace("<", "‹").replace(">", "›").replace("|", "¦").replace("`", "ˋ")


def _code(text: str) -> str:
    return f"`{one_line(text).replace('`', 'ˋ')}`"
