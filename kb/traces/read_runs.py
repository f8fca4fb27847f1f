"""The runs of a file: any known format in, canonical runs out, one at a time."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from kb.config import FILE_NAME, RunsConfig, read_config
from kb.errors import KbError
from kb.humanize import plural
from kb.library import find_root, local_place, make_local_folder
from kb.safe_files import UnsafePathError
from kb.traces.canonical_json import sha256
from kb.traces.decoding.layout import Layout
from kb.traces.decoding.row_account import NoAccount, RowAccount
from kb.traces.decoding.trace_source import Source, open_source
from kb.traces.effects.call_effect import Effects
from kb.traces.fixture import is_fixture, read_fixture
from kb.traces.importers.detect import describe_file, detect
from kb.traces.importers.importer import Importer
from kb.traces.normalize.assemble_run import Assembly, assemble
from kb.traces.normalize.clean_run import RunCleaner
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.redaction import Redactor, safe_name, safe_text
from kb.traces.run import Effect, ImportWarnings, Redaction, Run
from kb.trusted_settings import allowed_values


@dataclass(frozen=True)
class ReadingSettings:
    """How runs are read. The defaults redact, guess no effects and find the format themselves.

    `key` is the local key of fingerprints: without one, placeholders carry none.
    `allow` are values, or patterns, that are kept though they look like a secret or a person.
    `effects` is the team's word on its tools; it beats every hint in a trace.
    `freeze_at` is the step a replay begins at; None leaves it to the first failure.
    `look_only` is for a pass that writes and shows nothing of the runs: they are neither redacted
    nor made canonical, and no account of the rows is kept.
    """

    format: str = ""
    redact: bool = True
    key: bytes | None = None
    allow: tuple[str, ...] = ()
    effects: Mapping[str, Effect] = field(default_factory=dict)
    policy: tuple[str, ...] = ()
    freeze_at: int | None = None
    look_only: bool = False


def settings_from(config: RunsConfig, **more: object) -> ReadingSettings:
    """The settings of a team, with those of one call."""
    effects = {tool: Effect(word) for tool, word in config.effects.items()}
    return ReadingSettings(
        allow=config.allow,
        effects=effects,
        policy=config.policy,
        **more,  # type: ignore[arg-type]
    )


def read_runs(path: Path, settings: ReadingSettings | None = None) -> Iterator[Run]:
    """The runs of a trace file, or the one of a `fixture.json`, in the order of the file.

    Memory is that of one run. Raises `KbError` when the file cannot be read, no format fits, or
    nothing of it can be put on a run (the message shows what was seen).
    """
    yield from open_reading(path, settings).runs()


@dataclass(frozen=True)
class TraceReading:
    """A file about to be read as runs. `rows` says of each row what became of it, when it was."""

    source: Source
    settings: ReadingSettings

    @property
    def rows(self) -> RowAccount:
        """The account of the file's rows: complete when all runs were taken."""
        return self.source.account

    @property
    def is_fixture(self) -> bool:
        """Whether the file is a canonical run already, of which no row is read."""
        return not self.settings.format and is_fixture(self.source.brief.head)

    def runs(self, first: int = 0) -> Iterator[Run]:
        """The runs from that number on (0 is the first), one at a time; see `read_runs`."""
        if self.is_fixture:
            yield from [read_fixture(self.source.path)][first:]
        elif self.source.layout is Layout.PACKED:
            yield from islice(_runs_in_packed(self.source, self.settings), first, None)
        else:
            yield from _runs_of(self.source, self.settings, first=first)


def open_reading(path: Path, settings: ReadingSettings | None = None) -> TraceReading:
    """A trace file, opened. Raises `KbError` when it cannot be read or holds no JSON."""
    settings = settings or ReadingSettings()
    source = open_source(path, is_hashed=not settings.look_only)
    if settings.look_only and source.layout is not Layout.PACKED:  # says what of it is left out
        source = dataclasses.replace(source, account=NoAccount())
    return TraceReading(source, settings)


def _runs_of(
    source: Source, settings: ReadingSettings, before: int = 0, first: int = 0
) -> Iterator[Run]:
    """The runs of one file of values; `before` is the number of those told before it.

    Those before the `first` are counted, and not made.
    """
    importer = detect(source, settings.format)
    effects = Effects(settings.effects, importer.name)
    assembly = Assembly(source, importer.name, effects, settings.policy, settings.freeze_at)
    number = before
    for builder in _builders(importer, source):
        if builder.has_steps:
            if number >= first:
                yield _run(builder, number, assembly, settings)
            number += 1
    if number == before:
        raise _nothing_read(source, importer)


def _runs_in_packed(packed: Source, settings: ReadingSettings) -> Iterator[Run]:
    """The runs of all files in a packed one; those that hold none are left out, with the reason."""
    number = 0
    last: KbError | None = None
    for source in packed.unpacked():
        try:
            if is_fixture(source.brief.head):
                raise KbError("is a canonical run: unpack it first", where=source.shown)
            for run in _runs_of(source, settings, number):
                yield run
                number += 1
        except KbError as fault:
            last = fault
            if not source.within:
                raise
            packed.leave_out_member(source.within, fault.what)
    if not number:
        raise _nothing_packed(packed, last)


def _nothing_packed(packed: Source, last: KbError | None) -> KbError:
    """A packed file with no file in it that is read."""
    fates = (row for row in packed.account.verdicts() if row.why)
    ends = [f"{row.where}: {row.why}".removeprefix(": ") for row in fates][:_SHOWN]
    what = f"is packed, and no trace is in it that is read ({'; '.join(ends) or 'no file'})"
    return KbError(what, where=str(packed.path), todo=last.todo if last else "Pack the traces.")


_SHOWN = 3


def _nothing_read(source: Source, importer: Importer) -> KbError:
    """Rows of a format that is read, and none that says or does anything."""
    ends = [f"{number:,} {why}" for (_, why), number in source.account.counts().most_common(3)]
    what = f"was read as {importer.name}, and no step of a run is in it: {describe_file(source)}"
    text = f" Its rows were left out: {safe_text('; '.join(ends))}." if ends else ""
    return KbError(what, where=source.shown, todo=f"Export the trace with its steps.{text}")


def _builders(importer: Importer, source: Source) -> Iterator[RunBuilder]:
    """The runs of a file. Importers bear with strange values; what they do not is no traceback."""
    try:
        yield from importer.read(source)
    except KbError as fault:
        if source.shown in fault.where:
            raise
        where = f"{source.shown}: {fault.where}".removesuffix(": ")  # a place in the file
        raise KbError(fault.what, where=where, todo=fault.todo) from fault
    except _UNEXPECTED as error:
        what = f"has values the {importer.name} importer does not expect ({type(error).__name__})"
        todo = "Check that the export is whole; report the shape of its rows, not their content."
        raise KbError(what, where=source.shown, todo=todo) from error


_UNEXPECTED = (TypeError, ValueError, LookupError, AttributeError, OverflowError, RecursionError)


def _run(builder: RunBuilder, number: int, assembly: Assembly, settings: ReadingSettings) -> Run:
    run = assemble(builder, number, assembly)
    return run if settings.look_only else fit_to_be_written(run, settings)


def fit_to_be_written(run: Run, settings: ReadingSettings) -> Run:
    """A run as it was read, made canonical, and redacted where the settings say so."""
    notes = ImportWarnings()
    redactor = Redactor(settings.key, settings.allow) if settings.redact else None
    run = RunCleaner(redactor, notes).cleaned(run)
    file = safe_name(run.provenance.file, redactor) if redactor else run.provenance.file
    placeholders = redactor.placeholders() if redactor else ()
    kept = _said_of_kept(redactor.kept) if redactor else ()
    lossy = (*kept, *run.provenance.lossy, *notes.lines())
    prompt = run.state.prompt
    hashed = sha256(prompt.text.encode()) if prompt.text else ""
    return replace(
        run,
        state=replace(run.state, prompt=replace(prompt, sha256=hashed)),
        redaction=Redaction(applied=settings.redact, placeholders=placeholders),
        provenance=replace(run.provenance, file=file, lossy=lossy),
    )


def _said_of_kept(count: int) -> tuple[str, ...]:
    values = plural(count, "value that looks", "values that look")
    line = f"KEPT, as [runs] allow in {FILE_NAME} says: {values} like a secret or a person"
    return (line,) if count else ()


_IDS_SHOWN = 8


def one_run(
    path: Path, settings: ReadingSettings, wanted: str = "", *, option: str = "--run"
) -> Run:
    """The run of a file. `wanted` is its number from 1, else its id, else the beginning of one id.

    A number that the file has is never the beginning of an id. Raises `KbError` where the file
    holds no such run, or several, and `option` is the one to name it with.
    """
    ids: list[str] = []
    whole: list[Run] = []
    begun: list[Run] = []
    for number, run in enumerate(read_runs(path, settings), 1):
        if wanted == str(number):
            return run
        ids.append(run.id)
        if run.id == wanted:
            whole.append(run)
        elif run.id.startswith(wanted):
            begun.append(run)
        del whole[2:], begun[2:]  # two are as many as it takes to see that several fit
    found = whole or begun
    if len(found) == 1:
        return found[0]
    raise _not_chosen(path, ids, wanted, option)


def _not_chosen(path: Path, ids: list[str], wanted: str, option: str) -> KbError:
    fits = [f"{number} ({run_id})" for number, run_id in enumerate(ids, 1) if run_id == wanted]
    fits = fits or [
        f"{number} ({run_id})" for number, run_id in enumerate(ids, 1) if run_id.startswith(wanted)
    ]
    if wanted and fits:
        what = f"has {len(fits)} runs whose id is, or begins with, '{wanted}'"
        return KbError(what, where=str(path), todo=f"Name one by its number: {_some(fits)}.")
    what = f"has no run '{wanted}'" if wanted else f"holds {len(ids)} runs"
    todo = f"Name one with {option}: its number, or of {_some(ids)}."
    return KbError(what, where=str(path), todo=todo)


def _some(words: list[str]) -> str:
    return ", ".join(words[:_IDS_SHOWN]) + (", …" if len(words) > _IDS_SHOWN else "")


_KEY_FILE = "redaction.key"
_KEY_BYTES = 32
_MAX_KEY_BYTES = 4096


def team_settings(start: Path, **more: Any) -> ReadingSettings:
    """The settings of the knowledge base around `start`, with those of one call.

    Outside of one the defaults hold, and placeholders have no fingerprints. Raises `KbError` where
    the settings would keep nearly anything from being redacted, and are not trusted.
    """
    try:
        root = find_root(start)
    except KbError:
        return ReadingSettings(**more)
    config = read_config(root)
    allowed_values(root, config)
    return settings_from(config.runs, key=local_key(root / ".kb"), **more)


def local_key(folder: Path) -> bytes | None:
    """The key of this clone, made at first use; None where it cannot be kept or is committed.

    It never leaves the machine: `.kb/` keeps itself out of Git.
    """
    try:
        root, place = local_place(folder / _KEY_FILE)
        if not root.exists(place):
            make_local_folder(folder)
            with suppress(FileExistsError):  # another run was faster
                root.create(place, secrets.token_bytes(_KEY_BYTES), 0o600)
        key = root.read_bytes(place, _MAX_KEY_BYTES)
    except (OSError, UnsafePathError):
        return None
    return key if len(key) >= _KEY_BYTES else None
