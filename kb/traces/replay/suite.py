"""The suite of a library: the fixture of every published record, replayed, with a verdict each.

A fixed failure stays fixed because its run is called again: what `kb run replay` does for one
fixture is done here for all, several at once, and told in one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from kb.errors import KbError
from kb.library import Library
from kb.records.postmortem import Postmortem
from kb.safe_files import real_path
from kb.sentences import clipped
from kb.terminal import visible
from kb.traces.fixture import FIXTURE, read_fixture
from kb.traces.replay.report import redact_report, replay_json
from kb.traces.replay.trials import Replay, Settings, Trial, TrialVerdict, replay

SCHEMA = "kb.run-replay-suite/1"
_WORDS = 90


@dataclass(frozen=True, slots=True)
class SuiteCase:
    """A published record and its fixture."""

    record: Postmortem
    path: Path

    @property
    def proved(self) -> str:
        """Where it was shown to fail and to pass, as the record says; empty where it was not."""
        return self.record.value("replay", "PROVED")


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What came of a case: its replay, without secrets, or why it could not be replayed."""

    case: SuiteCase
    replay: Replay | None
    refusal: str = ""

    @property
    def passed(self) -> int:
        """How many trials passed."""
        return self.replay.count(TrialVerdict.PASS) if self.replay else 0

    @property
    def verdict(self) -> TrialVerdict:
        """That of its trials; a fixture that could not be replayed proves nothing."""
        return self.replay.verdict if self.replay else TrialVerdict.INCONCLUSIVE

    @property
    def reason(self) -> str:
        """What it proves, or why it proves nothing, in one line."""
        if self.replay is None:
            return self.refusal
        if self.verdict is TrialVerdict.PASS:
            if self.replay.is_one_trial:
                return "it did not happen again; all trials were alike, and prove what one does"
            low = self.replay.interval[0]
            return f"it did not happen again: with 95 % confidence in at least {low:.0%} of runs"
        return next(filter(None, map(trial_reason, self.replay.trials)), "")


def trial_reason(trial: Trial) -> str:
    """Why a trial did not pass, in one line; empty for one that did."""
    if trial.verdict is TrialVerdict.PASS:
        return ""
    broken = next((held for held in trial.held if not held.holds), None)
    if trial.verdict is TrialVerdict.FAIL and broken:
        return f"{broken.claim}: {broken.seen}"
    return trial.why or "it proves nothing"


def find_cases(
    library: Library, *, route: str = "", failure_class: str = ""
) -> tuple[SuiteCase, ...]:
    """The published records that have a fixture; of one route or class, where it is named."""
    found = (
        SuiteCase(record, library.folder / record.id / FIXTURE)
        for record in library.published
        if (not route or record.route == route)
        and (not failure_class or failure_class in record.classes)
    )
    return tuple(case for case in found if _is_inside(case.path, library))


def case_of(library: Library, record_id: str) -> SuiteCase | None:
    """The fixture of one record, of whatever status; None where there is no such file."""
    record = library.record(record_id)
    case = SuiteCase(record, library.folder / record.id / FIXTURE) if record else None
    return case if case and _is_inside(case.path, library) else None


def _is_inside(path: Path, library: Library) -> bool:
    """Whether a fixture is a file of the library: a link that leads out of it is none."""
    return path.is_file() and real_path(path).is_relative_to(real_path(library.root))


def run_case(case: SuiteCase, settings: Settings, allow: Iterable[str] = ()) -> SuiteResult:
    """The result of one case; a fixture that cannot be replayed is a result too."""
    try:
        done = replay(read_fixture(case.path), settings)
    except KbError as error:
        return SuiteResult(case, None, error.what)
    return SuiteResult(case, redact_report(done, allow))


def run_suite(
    cases: Sequence[SuiteCase],
    settings: Settings,
    jobs: int,
    allow: Iterable[str] = (),
    progress: Callable[[SuiteResult], None] = lambda _: None,
) -> tuple[SuiteResult, ...]:
    """The results in the order of the cases; `jobs` of them run at a time."""
    allowed = tuple(allow)

    def one(case: SuiteCase) -> SuiteResult:
        done = run_case(case, settings, allowed)
        progress(done)
        return done

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        return tuple(pool.map(one, cases))


def suite_text(results: Sequence[SuiteResult]) -> str:
    """One table: verdict, how many trials passed, record, and what that proves."""
    lines = []
    for result in results:
        lines += [
            f"{result.verdict.value:<12} {_share(result):>5}  {visible(result.case.record.id)}",
            f"{'':20}{clipped(visible(result.reason), _WORDS)}",
        ]
    return "\n".join((*lines, "", *_unproved(results), suite_line(results))) + "\n"


def _unproved(results: Sequence[SuiteResult]) -> list[str]:
    """Which of those that pass were never shown to fail, one line for all."""
    names = [r.case.record.id for r in results if _may_prove_nothing(r)]
    text = "never shown to fail, so that a PASS may prove nothing (--prove OLD NEW)"
    return [visible(f"{text}: {', '.join(names)}")] if names else []


def _may_prove_nothing(result: SuiteResult) -> bool:
    return result.verdict is TrialVerdict.PASS and not result.case.proved


def _share(result: SuiteResult) -> str:
    return f"{result.passed}/{len(result.replay.trials)}" if result.replay else "–"


def suite_line(results: Sequence[SuiteResult]) -> str:
    """How many records passed, failed and proved nothing."""
    counts = [
        f"{count} {verdict.value}"
        for verdict in TrialVerdict
        if (count := sum(result.verdict is verdict for result in results))
    ]
    return f"{len(results)} replayed: {', '.join(counts)}"


def suite_markdown(results: Sequence[SuiteResult]) -> str:
    """The same table for the summary of a workflow; no text of a record has an effect in it."""
    rows = [
        f"| {result.verdict.value} | {_share(result)} | {_cell(result.case.record.title)} "
        f"| {_cell(result.reason)} |"
        for result in results
    ]
    head = ("| verdict | passed | record | what it proves |", "|---|---|---|---|")
    return "\n".join((f"**{suite_line(results)}**", "", *head, *rows)) + "\n"


def suite_json(results: Sequence[SuiteResult]) -> dict[str, Any]:
    """The suite for machines (`kb.run-replay-suite/1`)."""
    return {
        "schema": SCHEMA,
        "cases": [
            {
                "record": result.case.record.id,
                "title": result.case.record.title,
                "route": result.case.record.route,
                "classes": list(result.case.record.classes),
                "verdict": result.verdict.value,
                "reason": result.reason,
                "proved": result.case.proved,
                "replay": replay_json(result.replay) if result.replay else None,
            }
            for result in results
        ],
    }


def suite_junit(results: Sequence[SuiteResult]) -> str:
    """The suite as JUnit's XML, a record a test case; one that proves nothing is an error."""
    counts = {verdict: sum(r.verdict is verdict for r in results) for verdict in TrialVerdict}
    suite = ElementTree.Element(
        "testsuite",
        name="postmortems",
        tests=str(len(results)),
        failures=str(counts[TrialVerdict.FAIL]),
        errors=str(counts[TrialVerdict.INCONCLUSIVE]),
    )
    for result in results:
        record = result.case.record
        case = ElementTree.SubElement(
            suite, "testcase", name=_xml(record.id), classname=_xml(_class_name(record))
        )
        kind = {TrialVerdict.FAIL: "failure", TrialVerdict.INCONCLUSIVE: "error"}.get(
            result.verdict
        )
        if kind:
            fault = ElementTree.SubElement(case, kind, message=_xml(result.reason))
            fault.text = _xml(record.title)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _class_name(record: Postmortem) -> str:
    return record.route if record.route not in ("", "unknown") else "postmortems"


def _cell(text: str) -> str:
    """A text as one cell of a Markdown table, every mark of it escaped."""
    return "".join(
        f"\\{c}" if c in r"\`*_[]<>|#!&~@" else c for c in " ".join(visible(text).split())
    )


def _xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return "".join(c for c in text if c in "\t\n" or " " <= c <= "\ud7ff" or c >= "\ue000")
