"""A run on disk: `fixture.json` in canonical JSON, large values beside it by hash.

Reading trusts nothing: names of blobs are hashes and nothing else, contents must have that hash,
sizes are bounded, and every value is checked against the types of `kb.traces.run`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import msgspec

from kb.errors import KbError
from kb.json_schemas import formatted
from kb.safe_files import Root, output_of, read_named
from kb.traces.canonical_json import canonical, sha256
from kb.traces.decoding.lenient_json import NotJsonError, decode
from kb.traces.decoding.trace_source import refuse_oversized_values
from kb.traces.normalize.clean_run import RunCleaner
from kb.traces.redaction import safe_text
from kb.traces.run import SCHEMA, ImportWarnings, Run, run_schema

#: The name of a stored run, in the folder beside its record.
FIXTURE = "fixture.json"

BLOBS = "blobs"
#: Values of more canonical bytes than this lie in a blob: a fixture stays readable in a review.
MOST_INLINE_BYTES = 16_384
_MAX_FIXTURE_BYTES = 500_000_000
_MAX_BLOB_BYTES = 100_000_000
#: Fields that hold somebody else's data, as large as they like.
_SLOTS = frozenset(
    {"kb.text", "kb.reasoning", "kb.parts", "kb.source", "parameters", "gen_ai.system_instructions"}
    | {"gen_ai.tool.call.arguments", "gen_ai.tool.call.result"}
)
_BLOB = "kb.blob"
_BLOB_KEYS = frozenset({_BLOB, "kb.bytes", "kb.type"})
_HASH = re.compile(r"[0-9a-f]{64}")


class Blobs(dict[str, bytes]):
    """Large values by the SHA-256 of their bytes; `most_inline_bytes` says what is large."""

    def __init__(self, most_inline_bytes: int = MOST_INLINE_BYTES) -> None:
        super().__init__()
        self.most_inline_bytes = most_inline_bytes


def fixture_chunks(run: Run, blobs: Blobs) -> Iterator[bytes]:
    """The canonical JSON of a run, in pieces; what lies beside it is put into `blobs`.

    Two runs that are equal give equal bytes.
    """
    members = {name: value for name, value in _members(run) if name != "kb.steps"}
    members["kb.steps"] = None
    for number, name in enumerate(sorted(members)):
        yield (b"," if number else b"{") + canonical(name) + b":"
        if name == "kb.steps":
            yield from _list(run, blobs)
        else:
            yield canonical(_stored(members[name], name, blobs))
    yield b"}\n"


def _members(run: Run) -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(run):
        value = getattr(run, field.name)
        if field.required or (field.name != "steps" and value not in (field.default, {}, ())):
            yield field.encode_name, msgspec.to_builtins(value)


def _list(run: Run, blobs: Blobs) -> Iterator[bytes]:
    yield b"["
    for number, step in enumerate(run.steps):
        yield (b"," if number else b"") + canonical(_stored(msgspec.to_builtins(step), "", blobs))
    yield b"]"


def _stored(value: Any, key: str, blobs: Blobs) -> Any:
    """The value as it is written: large data is a reference to its blob."""
    if key in _SLOTS:
        return _data(value, blobs)
    if isinstance(value, dict):
        return {name: _stored(part, name, blobs) for name, part in value.items()}
    if isinstance(value, list):
        return [_stored(part, "", blobs) for part in value]
    return value


def _data(value: Any, blobs: Blobs) -> Any:
    if isinstance(value, str):
        raw, kind = value.encode(), "text"
    else:
        raw, kind = canonical(value), "json"
    looks_like_blob = isinstance(value, dict) and _BLOB in value
    if len(raw) <= blobs.most_inline_bytes and not looks_like_blob:
        return value
    name = sha256(raw)
    blobs[name] = raw
    return {_BLOB: name, "kb.bytes": len(raw), "kb.type": kind}


def fixture_schema() -> dict[str, Any]:
    """The JSON Schema of `fixture.json`: a run, or a reference to a blob where data may lie."""
    schema = run_schema()
    definitions = schema["$defs"]
    for definition in definitions.values():
        properties = definition.get("properties", {})
        for name in _SLOTS & properties.keys():
            inline = properties[name]
            about = {key: inline.pop(key) for key in ("description", "default") if key in inline}
            properties[name] = {**about, "anyOf": [inline, {"$ref": "#/$defs/Blob"}]}
    definitions["Blob"] = {
        "title": "Blob",
        "description": "A large value: the file of that name in `blobs`, beside the fixture",
        "type": "object",
        "properties": {
            _BLOB: {"type": "string", "pattern": f"^{_HASH.pattern}$"},
            "kb.bytes": {"type": "integer", "minimum": 0},
            "kb.type": {"enum": ["text", "json"]},
        },
        "required": sorted(_BLOB_KEYS),
        "additionalProperties": False,
    }
    return formatted(schema)


def write_fixture(
    run: Run, path: Path, *, within: Path | None = None, overwrite: bool = False
) -> None:
    """Write a run and its blobs. Nothing is half-written: the file appears when it is whole.

    `path` is what a person named, or lies `within` the folder that they named: below that no link
    is followed. Raises `KbError` when there is a file already, unless asked to `overwrite` it.
    """
    if within is None:
        root, name = output_of(path)
    else:
        above, folder = output_of(within)
        root, name = Root(above.path / folder), path.relative_to(within)
    blobs = Blobs()
    if root.exists(name) and not overwrite:
        todo = "Choose another name with --out, or replace it with --force."
        raise KbError("already exists; nothing was written", where=str(path), todo=todo)
    try:
        root.sweep(name.parent)
        with root.replacing(name) as stream:
            for chunk in fixture_chunks(run, blobs):
                stream.write(chunk)
            _write_blobs(blobs, root, name.parent)
    except OSError as error:
        raise KbError(f"cannot be written: {error.strerror or error}", where=str(path)) from error


def _write_blobs(blobs: dict[str, bytes], root: Root, folder: PurePath) -> None:
    for name, raw in blobs.items():
        if not root.exists(folder / BLOBS / name):
            root.write_bytes(folder / BLOBS / name, raw)


def is_fixture(head: tuple[Any, ...]) -> bool:
    """Whether the first value of a file is a canonical run, of whatever version."""
    schema = head[0].get("schema") if head and isinstance(head[0], dict) else None
    return isinstance(schema, str) and schema.startswith("kb.run/")


def read_fixture(path: Path) -> Run:
    """The run of a `fixture.json`, whole: blobs are put in their places.

    Raises `KbError` for what is no fixture, naming the place of the first fault.
    """
    try:
        raw = read_named(path, _MAX_FIXTURE_BYTES)
        refuse_oversized_values(raw, path)
        value = decode(raw)
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    except NotJsonError as error:
        raise KbError(f"is no JSON that can be read: {error}", where=str(path)) from error
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        seen = safe_text(repr(schema))[:40]
        what = f"is no fixture of this version: schema is {seen}, read is {SCHEMA!r}"
        raise KbError(what, where=str(path), todo="Import the trace again with this version of kb.")
    return _converted(value, path)


def _converted(value: Any, path: Path) -> Run:
    try:
        run = msgspec.convert(_restored(value, "", path.parent / BLOBS), Run)
    except msgspec.ValidationError as error:
        raise KbError(f"is no fixture: {safe_text(str(error))}", where=str(path)) from error
    except RecursionError as error:
        raise KbError("is nested too deeply to be a fixture", where=str(path)) from error
    cleaner = RunCleaner(None, ImportWarnings())
    run = cleaner.cleaned(run)
    if cleaner.emptied:
        what = f"is no fixture: {cleaner.emptied[0]} is no number that JSON carries"
        raise KbError(what, where=str(path))
    return run


def _restored(value: Any, key: str, folder: Path) -> Any:
    if key in _SLOTS:
        is_blob = isinstance(value, dict) and value.keys() == _BLOB_KEYS
        return _blob(value, folder) if is_blob else value
    if isinstance(value, dict):
        return {name: _restored(part, name, folder) for name, part in value.items()}
    if isinstance(value, list):
        return [_restored(part, "", folder) for part in value]
    return value


def _blob(reference: dict[str, Any], folder: Path) -> Any:
    name = reference[_BLOB]
    if not (isinstance(name, str) and _HASH.fullmatch(name)):
        raise KbError("names a blob that is no SHA-256", where=str(folder))
    file = folder / name
    try:
        raw = Root(folder.parent).read_bytes(f"{BLOBS}/{name}", _MAX_BLOB_BYTES)
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror or error}", where=str(file)) from error
    if sha256(raw) != name:
        what = "does not hold what its name says: its SHA-256 differs"
        raise KbError(what, where=str(file), todo="Restore the file, or import the trace again.")
    try:
        return raw.decode() if reference["kb.type"] == "text" else decode(raw)
    except ValueError as error:
        raise KbError(f"cannot be read: {error}", where=str(file)) from error
