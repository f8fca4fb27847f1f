"""Counts, the ranking, and the log lines that were missing, over a whole archive."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from kb.traces.checkup.archive_files import Archive
from kb.traces.checkup.auc import AucEstimate, Labelled, auc_estimates
from kb.traces.checkup.likelihood import fitted
from kb.traces.checkup.progress_file import FileFacts, shown_path
from kb.traces.checkup.run_facts import RunSummary

#: Candidates kept in memory; more than anybody reads.
_KEPT = 200
_MAX_SKIPPED = 500
_MAX_LABELLED = 5_000
_ENOUGH_LABELS = 20
_ENOUGH_RUNS = 20
#: Share of an archive's runs that are shown for their score: all 500 runs of a coding agent that
#: the weights had not seen were above the line of the fit.
_MOST_BY_SCORE = 0.2
#: Scores have one decimal.
_STEP = 0.1
_NAMES = ("this ranking", "constant", "length", "tool calls", "distinct tools", "errors")
#: How far a proof lies above every score, which ends at 100.
_PROVEN = 1_000.0


@dataclass(frozen=True)
class Share:
    """k of n."""

    k: int
    n: int


@dataclass
class Checkup:
    """The pass so far; `add` takes in one file. Of each run only its digest stays in memory.

    A run that equals an earlier one is left out of everything and counted in `equal`: an export
    of the same week in two files would count, and rank, each failure twice.
    """

    files: int = 0
    runs: int = 0
    equal: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    replayable: Counter[str] = field(default_factory=Counter)
    reads_back: Counter[bool] = field(default_factory=Counter)
    has_key: Counter[bool] = field(default_factory=Counter)
    names_policy: int = 0
    guessed: int = 0
    proven: int = 0
    days: Counter[date] = field(default_factory=Counter)
    """Runs by the UTC day on which they began; those without a time are in none."""
    missing: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    skipped_more: int = 0
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    passed_over_more: int = 0
    told: int | None = None
    """How many runs were redacted to be shown, and so looked through for secrets; None for all."""
    _ranked: list[tuple[float, int, int, RunSummary]] = field(default_factory=list)
    _labelled: list[Labelled] = field(default_factory=list)
    _contents: set[bytes] = field(default_factory=set)
    #: How many of the runs that prove nothing have each score.
    _scores: Counter[float] = field(default_factory=Counter)

    def add(self, found: FileFacts) -> None:
        """Take in what was found in one file."""
        self.files += 1
        if found.error and len(self.skipped) < _MAX_SKIPPED:
            self.skipped.append((found.file, found.error))
        elif found.error:
            self.skipped_more += 1
        for facts in found.runs:
            self._add_run(facts)

    def _add_run(self, facts: RunSummary) -> None:
        content = bytes.fromhex(facts.content)
        if content and content in self._contents:
            self.equal += 1
            return
        self._contents.add(content)
        self.runs += 1
        self.formats[facts.format] += 1
        self.replayable[facts.replayable] += 1
        self.missing.update(facts.missing)
        self.names_policy += facts.names_policy
        self.guessed += facts.is_guessed
        self.proven += facts.is_proven
        if not facts.is_proven:
            self._scores[facts.score] += 1
        if facts.started:
            self.days[datetime.fromisoformat(facts.started).astimezone(UTC).date()] += 1
        self.kinds.update({sign.kind for sign in facts.signs})
        for counter, value in ((self.reads_back, facts.reads_back), (self.has_key, facts.has_key)):
            if value is not None:
                counter[value] += 1
        # Later runs of an equal score stand behind: the order is that of the archive.
        heapq.heappush(self._ranked, (_rank(facts), facts.calls, -self.runs, facts))
        if len(self._ranked) > _KEPT:
            heapq.heappop(self._ranked)
        if facts.failed is not None and len(self._labelled) < _MAX_LABELLED:
            self._labelled.append(_labelled(facts))

    def pass_over(self, archive: Archive) -> None:
        """Take in what of an archive is not looked at, and why."""
        over = archive.passed_over
        self.passed_over = [(shown_path(file), why) for file, why in over[:_MAX_SKIPPED]]
        self.passed_over_more = max(0, len(over) - _MAX_SKIPPED)

    def tell(self, words: Iterable[tuple[RunSummary, RunSummary]]) -> None:
        """Put runs in words in the place of those that were only looked at; their scores count."""
        self.told = 0
        for bare, whole in words:
            self.told += 1
            self.kinds.update({s.kind for s in whole.signs} - {s.kind for s in bare.signs})
            self._ranked = [
                (whole.score, entry[1], entry[2], whole) if entry[3] is bare else entry
                for entry in self._ranked
            ]

    @property
    def candidates(self) -> tuple[RunSummary, ...]:
        """The runs that deserve a look, the most suspicious first."""
        ranked = sorted(self._ranked, key=lambda entry: entry[:3], reverse=True)
        line = self.from_score
        return tuple(facts for *_, facts in ranked if facts.is_proven or facts.score >= line)

    @property
    def suspicious(self) -> int:
        """How many runs deserve a look: by a proof, or by their score."""
        line = self.from_score
        return self.proven + sum(n for score, n in self._scores.items() if score >= line)

    @property
    def from_score(self) -> float:
        """The score from which a run deserves a look without a proof.

        It is that of the fit, or higher: long runs all have high scores, and no more than one in
        five of an archive is shown for its score.
        """
        line, most = fitted().threshold, self._scores.total() * _MOST_BY_SCORE
        if self.runs < _ENOUGH_RUNS:
            return line
        above = 0
        for score in sorted((s for s in self._scores if s >= line), reverse=True):
            above += self._scores[score]
            if above > most:
                return score + _STEP
        return line

    def coverage(self) -> Iterator[tuple[str, Share]]:
        """The table: what of all runs, or of those that wrote something, could be shown."""
        wrote = self.reads_back.total()
        yield "could be replayed", Share(self.replayable["yes"], self.runs)
        yield "could be replayed in part", Share(self.replayable["partly"], self.runs)
        yield "read back what they wrote", Share(self.reads_back[True], wrote)
        yield "gave every writing tool an idempotency key", Share(self.has_key[True], wrote)
        yield "named a policy", Share(self.names_policy, self.runs)

    def base_rate(self) -> Share | None:
        """How many runs failed by their own source; None where too few say."""
        if len(self._labelled) < _ENOUGH_LABELS:
            return None
        return Share(sum(run.failed for run in self._labelled), len(self._labelled))

    def hit_rate(self) -> Share:
        """How many of the suspicious runs failed, among those whose source says."""
        called = [run for run in self._labelled if run.values[0] >= self.from_score]
        return Share(sum(run.failed for run in called), len(called))

    def auc_estimates(self) -> tuple[AucEstimate, ...]:
        """What the ranking is worth beside trivial ones; empty where too few runs say."""
        return auc_estimates(_NAMES, self._labelled) if self.base_rate() else ()


def check_up(files: Iterable[FileFacts]) -> Checkup:
    """The summary of all files."""
    summary = Checkup()
    for found in files:
        summary.add(found)
    return summary


def _labelled(facts: RunSummary) -> Labelled:
    trivial = (0.0, facts.steps, facts.calls, facts.tools, facts.errors)
    values = (_rank(facts), *map(float, trivial))
    return Labelled(facts.task, bool(facts.failed), values)


def _rank(facts: RunSummary) -> float:
    """What the trace proves stands first, and among equals the score decides."""
    return _PROVEN * facts.is_proven + facts.score
