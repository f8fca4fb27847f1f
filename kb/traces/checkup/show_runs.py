"""The runs that are to be shown, in words: they are read again, and redacted as a whole.

A pass over an archive looks at runs as they are, and keeps no words of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import msgspec

from kb.errors import KbError
from kb.traces.analyses.run_likeness import Signature
from kb.traces.checkup.progress_file import shown_path
from kb.traces.checkup.remote_files import RemoteFile, on_this_machine
from kb.traces.checkup.run_facts import RunSummary, facts
from kb.traces.read_runs import ReadingSettings, fit_to_be_written, open_reading
from kb.traces.redaction import Redactor
from kb.traces.run import Run


def without_words(summary: RunSummary, settings: ReadingSettings) -> RunSummary:
    """What was found in a run that is not redacted, without what it says and was given."""
    clean = Redactor(allow=settings.allow).redacted
    signs = tuple(
        msgspec.structs.replace(
            sign,
            message="",
            evidence="",
            tool=clean(sign.tool),
            where=clean(sign.where),
            span_id=clean(sign.span_id),
        )
        for sign in summary.signs
    )
    way = summary.signature and _clean_way(summary.signature, settings.allow)
    task, run = clean(summary.task), clean(summary.run)
    return msgspec.structs.replace(summary, signs=signs, signature=way, task=task, run=run)


@lru_cache(maxsize=4096)
def _clean_way(way: Signature, allow: tuple[str, ...]) -> Signature:
    """The way of a run without secrets. Runs that went one way share it: an archive has many."""
    clean = Redactor(allow=allow).redacted
    return msgspec.structs.replace(
        way,
        tools=frozenset(map(clean, way.tools)),
        order=frozenset((clean(one), clean(other)) for one, other in way.order),
        errors=frozenset((clean(tool), clean(error)) for tool, error in way.errors),
    )


def runs_in_words(
    found: Sequence[RunSummary], files: Sequence[Path | RemoteFile], settings: ReadingSettings
) -> Iterator[tuple[RunSummary, RunSummary]]:
    """Each of some runs with the same in words: those files are read again, the runs redacted.

    A run whose file is gone, or is no longer the same, is left out.
    """
    by_name: dict[str, list[Path | RemoteFile]] = {}
    for file in files:
        by_name.setdefault(shown_path(file), []).append(file)
    looking = dataclasses.replace(settings, look_only=True)
    for summary in found:
        for file in by_name.get(summary.file, ()):
            run = _the_run(file, summary, looking)
            if run is not None:
                whole = dataclasses.replace(settings, look_only=False)
                yield summary, facts(fit_to_be_written(run, whole), summary.file, summary.number)
                break


def _the_run(file: Path | RemoteFile, summary: RunSummary, settings: ReadingSettings) -> Run | None:
    """The run that a summary is of, None where the file holds another by now."""
    with suppress(KbError, OSError), on_this_machine(file) as here:
        run = next(open_reading(here, settings).runs(summary.number - 1), None)
        if run is not None and facts(run, summary.file, summary.number).content == summary.content:
            return run
    return None
