"""A checkup as lines for terminal and Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from statistics import fmean
from typing import Any

import msgspec

from kb.humanize import listed, plural
from kb.terminal import visible_lines
from kb.traces.analyses.finding import counted, one_line
from kb.traces.checkup.groups import FailureGroup, KnownRun, grouped
from kb.traces.checkup.likelihood import FittedWeights, fitted
from kb.traces.checkup.run_facts import RunSummary
from kb.traces.checkup.signs import KINDS, Sign
from kb.traces.checkup.summary import Checkup, Share

_SIGNS_SHOWN = 3
_OTHERS_SHOWN = 4
_SKIPPED_SHOWN = 20
_MISSING_SHOWN = 12
KnownRuns = Mapping[str, KnownRun]
NONE_KNOWN: KnownRuns = {}


def checkup_markdown(done: Checkup, top: int, known: KnownRuns = NONE_KNOWN) -> str:
    """The report as Markdown, which reads well as plain text too.

    `known` are the stored runs of the library's records, by record id.
    """
    blocks = [_head(done), _candidates(done, top, known), _coverage(done), _worth(done)]
    blocks += [_signs(done), _missing(done), _skipped(done), _passed_over(done)]
    return visible_lines("\n\n".join(block for block in blocks if block) + "\n")


def checkup_json(done: Checkup, top: int, known: KnownRuns = NONE_KNOWN) -> dict[str, Any]:
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
        "suspicious": {"k": done.suspicious, "n": done.runs, "from_score": done.from_score},
        "base_rate": {"k": base.k, "n": base.n} if base else None,
        "hit_rate": {"k": hits.k, "n": hits.n} if base else None,
        "ranking": [
            {"name": w.name, "auc": w.auc, "low": w.low, "high": w.high}
            for w in done.auc_estimates()
        ],
        "groups": [_group_json(group) for group in grouped(done.candidates, known)[:top]],
        "candidates": [_facts_json(facts) for facts in done.candidates[:top]],
        "signs": dict(done.kinds.most_common()),
        "missing": dict(done.missing.most_common()),
        "skipped": [{"file": file, "why": why} for file, why in done.skipped],
        "passed_over": [{"file": file, "why": why} for file, why in done.passed_over],
        "looked_for_secrets_in": done.runs if done.told is None else done.told,
    }


def _facts_json(facts: RunSummary) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(facts)
    values.pop("signature", None)
    return values


def _group_json(group: FailureGroup) -> dict[str, Any]:
    return {
        "record": group.record,
        "likeness": round(group.likeness, 4) if group.record else None,
        "count": len(group.runs),
        "first": group.first or None,
        "runs": [{"run": f.run, "file": f.file, "number": f.number} for f in group.runs],
    }


def _head(done: Checkup) -> str:
    formats = f" ({counted(done.formats)})" if done.formats else ""
    files = plural(done.files, "file")
    lines = [f"# Checkup: {plural(done.runs, 'run')} in {files}{formats}"]
    if done.equal:
        runs = "1 run that equals" if done.equal == 1 else f"{done.equal} runs that equal"
        lines += ["", f"Left out: {runs} an earlier one, message by message and call by call."]
    if done.guessed:
        lines += [
            "",
            f"In {plural(done.guessed, 'run')} nobody says what some tools do: for this list their "
            "names were taken as a hint. Name them under [runs.effects] in kb.toml.",
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
    """What the ranking is worth here, where the source tells how runs ended, and where it was."""
    share, base, model = Share(done.suspicious, done.runs), done.base_rate(), fitted()
    runs = sum(source.runs for source in model.sources)
    names = ", ".join(f"{source.name} ({source.runs})" for source in model.sources)
    lines = [
        "## What the ranking is worth",
        "",
        "Known failures stand first, then what a trace proves, then the score: the likelihood of "
        f"failure by {len(model.features)} counts ({', '.join(model.features)}), fitted on {runs} "
        f"runs of {len(model.sources)} sources: {names}.",
        "",
        _elsewhere(model),
        "",
        f"Suspicious (a proof, or a score of {done.from_score:g} or more): {_share_text(share)}.",
    ]
    if base is None:
        lines.append("The source does not say how enough of the runs ended; see docs/analyses.")
        return "\n".join(lines)
    lines.append(f"Failed, by the source's own word: {_share_text(base)}. That word moves no rank.")
    lines.append(f"Failed among the suspicious: {_share_text(done.hit_rate())}.")
    lines += ["", "| order by | AUC | 95 % interval |", "|---|---|---|"]
    lines += [
        f"| {w.name} | {w.auc:.2f} | {w.low:.2f}–{w.high:.2f} |" for w in done.auc_estimates()
    ]
    return "\n".join([*lines, "", _beside_the_trivial(done)])


def _elsewhere(model: FittedWeights) -> str:
    """What the score is worth where it was not fitted, beside length."""
    ours = [source.auc for source in model.unseen]
    length = [source.length for source in model.unseen]
    return (
        f"On {len(ours)} sources kept apart its AUC was {min(ours):.2f} to {max(ours):.2f}, in the "
        f"mean {fmean(ours):.2f}, and that of plain length {fmean(length):.2f}: the score is the "
        "order of a list, and no more."
    )


def _beside_the_trivial(done: Checkup) -> str:
    """Whether the ranking is better here than each trivial order, in one sentence."""
    ours, *others = done.auc_estimates()
    better = [other.name for other in others if other.auc >= ours.auc]
    if better:
        return f"Here {listed(better)} order these runs at least as well as this ranking."
    return "Here this ranking orders the runs better than each of them."


def _candidates(done: Checkup, top: int, known: KnownRuns) -> str:
    groups = grouped(done.candidates, known)
    if not groups:
        return "## Runs that deserve a look\n\nNone: no proof, and no score that counts enough."
    total = plural(done.suspicious, "run")
    lines = [f"## Runs that deserve a look: {total}, {len(groups[:top])} of {len(groups)}", ""]
    lines[0] += " failures" if len(groups) > 1 else " failure"
    for number, group in enumerate(groups[:top], 1):
        lines += [*_group(number, group)]
    return "\n".join(lines)


def _group(number: int, group: FailureGroup) -> Iterator[str]:
    facts = group.runs[0]
    if group.record:
        way = f"went the way of {_code(group.record)} (its run is stored, {group.likeness:.0%})"
        yield f"{number}. {way}: {_count(group)}"
    elif len(group.runs) > 1:
        yield f"{number}. {_count(group)} of one kind"
    if group.record or len(group.runs) > 1:
        yield f"   - {_run_name(facts)}"
    else:
        yield f"{number}. {_run_name(facts)}"
    for sign in facts.signs[:_SIGNS_SHOWN]:
        mark = " (proof)" if sign.proves else ""
        yield f"   - {sign.kind}{mark}: {_plain(sign.message)}{_place(sign)}"
        if sign.evidence:
            yield f"     {_code(sign.evidence)}"
    for other in group.runs[1:_OTHERS_SHOWN]:
        yield f"   - also {_run_name(other)}"
    if len(group.runs) > _OTHERS_SHOWN:
        yield f"   - and {len(group.runs) - _OTHERS_SHOWN} more"


def _run_name(facts: RunSummary) -> str:
    where = f"{facts.file}, run {facts.number}" if facts.number > 1 else facts.file
    proven = "" if facts.is_proven else "nothing proven, "
    return f"{proven}score {facts.score:g}: {_code(facts.run)}, {_code(where)}"


def _count(group: FailureGroup) -> str:
    """`7 runs, first Monday 2026-03-02 09:14`; without the time where no trace has one."""
    runs = plural(len(group.runs), "run")
    if not group.first:
        return runs
    return f"{runs}, first {datetime.fromisoformat(group.first):%A %Y-%m-%d %H:%M}"


def _place(sign: Sign) -> str:
    parts = [f"step {sign.step}"] if sign.step is not None else []
    parts += [part for part in (sign.where, sign.time) if part]
    return f" ({', '.join(parts)})" if parts else ""


def _signs(done: Checkup) -> str:
    rows = ["## The signs", ""]
    found = [kind for kind in KINDS if done.kinds[kind.name]]
    if found:
        rows += ["| sign | what it does | why | runs |", "|---|---|---|---|"]
    for kind in found:
        counts = "proves" if kind.proves else "explains"
        share = _share_text(Share(done.kinds[kind.name], done.runs))
        rows.append(f"| {kind.name} | {counts} | {kind.why} | {share} |")
    others = [kind.name for kind in KINDS if kind not in found]
    if others:
        rows += ["", f"Looked for, and in no run: {', '.join(others)}."]
    if done.told is not None:
        text = plural(done.told, "candidate")
        rows += ["", f"A quick pass: secrets were looked for in {text} alone."]
    return "\n".join(rows)


def _missing(done: Checkup) -> str:
    if not done.missing:
        return ""
    rows = ["## Log lines that were missing", "", "| log this | missing in |", "|---|---|"]
    for name, number in done.missing.most_common(_MISSING_SHOWN):
        rows.append(f"| {name} | {_share_text(Share(number, done.runs))} |")
    return "\n".join(rows)


def _skipped(done: Checkup) -> str:
    total = len(done.skipped) + done.skipped_more
    return _listed(f"## Skipped, {plural(total, 'file')}", done.skipped, total)


def _passed_over(done: Checkup) -> str:
    total = len(done.passed_over) + done.passed_over_more
    heading = f"## Passed over by their names, {plural(total, 'file')}"
    return _listed(heading, done.passed_over, total)


def _listed(heading: str, files: list[tuple[str, str]], total: int) -> str:
    """The first of some files, each with its reason, and how many more; empty for none."""
    if not files:
        return ""
    lines = [heading, "", *(f"- {_code(f)}: {_plain(why)}" for f, why in files[:_SKIPPED_SHOWN])]
    if total > _SKIPPED_SHOWN:
        lines.append(f"- and {total - _SKIPPED_SHOWN} more")
    return "\n".join(lines)


def _share_text(share: Share) -> str:
    return f"{share.k} of {share.n} ({_percent(share)})"


def _percent(share: Share) -> str:
    return f"{share.k / share.n:.0%}" if share.n else "–"


def _plain(text: str) -> str:
    """Words that may quote a trace, with nothing in them that Markdown would read as markup."""
    return one_line(text).replace("<", "‹").replace(">", "›").replace("|", "¦").replace("`", "ˋ")


def _code(text: str) -> str:
    return f"`{one_line(text).replace('`', 'ˋ')}`"
