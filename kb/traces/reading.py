"""Which runs does a file hold? Any known format in, canonical runs out, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from kb.config import RunsConfig
from kb.errors import KbError
from kb.runs.privacy.disclosure import safe_name
from kb.runs.telling.notes import Notes
from kb.traces.canonical_json import sha256
from kb.traces.decoding.source import Source, open_source
from kb.traces.effects.tools import Effects
from kb.traces.fixture import is_fixture, read_fixture
from kb.traces.importers import Importer
from kb.traces.importers.detect import detect
from kb.traces.normalize.assemble import Assembly, assemble
from kb.traces.normalize.clean_run import Cleaner
from kb.traces.normalize.run_builder import Tape
from kb.traces.redaction.redact import Redactor
from kb.traces.run import Effect, Redaction, Run


@dataclass(frozen=True)
class ReadingSettings:
    """How runs are read. The defaults redact, guess no effects and find the format themselves.

    `key` is the local key of fingerprints: without one, placeholders carry none.
    `allow` are values, or patterns, that are kept though they look like a secret or a person.
    `effects` is the team's word on its tools; it beats every hint in a trace.
    `freeze_at` is the step a replay begins at; None leaves it to the first failure.
    """

    format: str = ""
    redact: bool = True
    key: bytes | None = None
    allow: tuple[str, ...] = ()
    effects: Mapping[str, Effect] = field(default_factory=dict)
    policy: tuple[str, ...] = ()
    freeze_at: int | None = None


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

    Memory is that of one run. Raises `KbError` when the file cannot be read, no format fits
    (the message shows what was seen) or more than one does.
    """
    settings = settings or ReadingSettings()
    source = open_source(path)
    if not settings.format and is_fixture(source.head):
        yield read_fixture(path)
        return
    importer = detect(source, settings.format)
    assembly = Assembly(
        source, importer.name, Effects(settings.effects), settings.policy, settings.freeze_at
    )
    for number, tape in enumerate(_tapes(importer, source)):
        yield _run(tape, number, assembly, settings)


def _tapes(importer: Importer, source: Source) -> Iterator[Tape]:
    """The tapes of a file. Importers bear with strange values; what they do not is no traceback."""
    try:
        yield from importer.read(source)
    except _UNEXPECTED as error:
        what = f"has values the {importer.name} importer does not expect ({type(error).__name__})"
        todo = "Check that the export is whole; report the shape of its rows, not their content."
        raise KbError(what, where=str(source.path), todo=todo) from error


_UNEXPECTED = (TypeError, ValueError, LookupError, AttributeError, OverflowError, RecursionError)


def _run(tape: Tape, number: int, assembly: Assembly, settings: ReadingSettings) -> Run:
    notes = Notes()
    redactor = Redactor(settings.key, settings.allow) if settings.redact else None
    run = Cleaner(redactor, notes).cleaned(assemble(tape, number, assembly))
    file = safe_name(run.provenance.file, redactor) if redactor else run.provenance.file
    placeholders = redactor.placeholders() if redactor else ()
    lossy = (*run.provenance.lossy, *notes.lines())
    prompt = run.state.prompt
    hashed = sha256(prompt.text.encode()) if prompt.text else ""
    return replace(
        run,
        state=replace(run.state, prompt=replace(prompt, sha256=hashed)),
        redaction=Redaction(applied=settings.redact, placeholders=placeholders),
        provenance=replace(run.provenance, file=file, lossy=lossy),
    )
