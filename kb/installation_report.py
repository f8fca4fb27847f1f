"""What this installation and this library can do: facts to paste into an issue.

A report holds versions, states and sizes. It holds no name, path or text of a library: a setting
that is text of a team's own is said to be set, and no more.
"""

from __future__ import annotations

import locale
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from kb.errors import KbError
from kb.installation import install_line
from kb.version import __version__

if TYPE_CHECKING:
    from kb.library import Library

State = Literal["ok", "note", "missing", "broken"]

#: The distributions of each extra that a user meets by name. `models` is for compiling encoders.
EXTRAS: dict[str, tuple[str, ...]] = {
    "base": ("click", "GitPython", "jsonpath-rfc9535", "jsonschema", "msgspec", "PyYAML", "regex"),
    "search": ("faiss-cpu", "numpy", "onnxruntime", "tokenizers", "onnx", "safetensors"),
    "models": ("sentence-transformers", "torch"),
    "site": ("mkdocs-material", "markdown-it-py", "nh3", "pagefind", "pillow"),
    "mcp": ("mcp",),
    "http": ("limits", "prometheus-client"),
    "scale": ("distributed", "fsspec", "s3fs"),
    "shell": ("tree_sitter", "tree_sitter_bash", "sqlglot"),
    "trackers": ("httpx",),
    "adopt": ("mammoth", "markdownify"),
    "store": ("psycopg", "psycopg-binary", "pgvector"),
}
#: Values of these kinds tell nothing of a team; all others are text of its own.
_PLAIN = (bool, int, float)


@dataclass(frozen=True)
class DoctorFact:
    """One line of the report: what was looked at, how it stands, and what mends it."""

    part: str
    name: str
    state: State
    value: str
    mend: str = ""


def examine(start: Path) -> tuple[DoctorFact, ...]:
    """Every fact, part by part; what cannot be looked at is a fact that says so."""
    parts = (_program, _extras, lambda: _library_facts(start))
    return tuple(fact for part in parts for fact in part())


def is_broken(facts: tuple[DoctorFact, ...]) -> bool:
    """Whether something that is there does not work."""
    return any(fact.state == "broken" for fact in facts)


def _program() -> Iterator[DoctorFact]:
    yield DoctorFact("program", "postmortem-kb", "ok", f"{__version__}, {_origin()}")
    python = f"{platform.python_version()} ({platform.python_implementation()})"
    yield DoctorFact("program", "Python", "ok", python)
    yield DoctorFact("program", "system", "ok", f"{platform.system()} {platform.machine()}")
    yield DoctorFact("program", "encoding", *_encoding())


def _origin() -> str:
    """How the program was installed, as PEP 610 records it; no address is told."""
    try:
        raw = metadata.distribution("postmortem-kb").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return "run from its source"
    if raw is None:
        return "from a package index"
    where: dict[str, Any] = msgspec.json.decode(raw)
    if commit := where.get("vcs_info", {}).get("commit_id"):
        return f"from a commit, {commit[:12]}"
    is_editable = where.get("dir_info", {}).get("editable")
    return "from a checkout" if is_editable else "from a file or folder"


def _encoding() -> tuple[State, str, str]:
    name = locale.getencoding().lower()
    if "utf" in name:
        return "ok", name, ""
    return "note", f"{name}: signs it lacks are replaced", "Set PYTHONUTF8=1."


def _extras() -> Iterator[DoctorFact]:
    for extra, names in EXTRAS.items():
        versions = {name: _version(name) for name in names}
        there = [f"{name} {version}" for name, version in versions.items() if version]
        absent = [name for name, version in versions.items() if version is None]
        if not absent:
            yield DoctorFact("extras", extra, "ok", ", ".join(there))
        elif there and extra != "models":
            text = f"{', '.join(absent)} missing beside {', '.join(there)}"
            yield DoctorFact("extras", extra, "broken", text, _install(extra))
        else:
            text = "not installed" if not there else f"{', '.join(absent)} not installed"
            yield DoctorFact("extras", extra, "missing", text, _install(extra))


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _install(extra: str) -> str:
    return install_line("" if extra == "base" else extra)


def _library_facts(start: Path) -> Iterator[DoctorFact]:
    from kb.library import open_library

    try:
        library = open_library(start)
    except KbError as error:
        yield DoctorFact("library", "records", "missing", error.what, error.todo)
        return
    drafts = sum(record.status != "published" for record in library.records)
    unread = sum(1 for document in library.documents if document.faults)
    published = len(library.published)
    text = f"{published} published, {drafts} drafts or in review, {unread} with parts unread"
    mend = "Run 'kb check': it names the files." if unread else ""
    yield DoctorFact("library", "records", "broken" if unread else "ok", text, mend)
    yield from _git(library)
    yield from _search(library)
    yield from _store(library)
    yield from _settings(library)


def _git(library: Library) -> Iterator[DoctorFact]:
    from kb.repo import open_repo

    repo = open_repo(library.root)
    if repo.why_unknown:
        yield DoctorFact(
            "git", "repository", "note", repo.why_unknown, "Days and history are unknown."
        )
        return
    commit = "no commit yet" if repo.head is None else "with commits"
    yield DoctorFact("git", "repository", "ok", commit)
    if repo.is_shallow:
        mend = "Run 'git fetch --unshallow': what lies beyond its boundary is unknown."
        yield DoctorFact("git", "history", "note", "a shallow clone", mend)
    else:
        yield DoctorFact("git", "history", "ok", "whole")
    remote = "set" if repo.remote_url() else "none"
    yield DoctorFact("git", "remote", "ok" if remote == "set" else "note", remote)


def _search(library: Library) -> Iterator[DoctorFact]:
    if find_spec("onnxruntime") is None or find_spec("numpy") is None:
        yield DoctorFact(
            "search", "model", "missing", "the extra is not installed", _install("search")
        )
        return
    yield _model(library)
    yield _index(library)


def _model(library: Library) -> DoctorFact:
    from kb.search.encoder.find_model_files import DEFAULT_MODEL, local_source

    named = library.config.search.model
    which = "the default" if named == DEFAULT_MODEL else "another than the default"
    try:
        source = local_source(named, library.root)
    except KbError as error:
        return DoctorFact("search", "model", "broken", f"{which}: {error.what}", error.todo)
    if source is None:
        mend = "Install its weights; until then search answers by words alone."
        return DoctorFact("search", "model", "missing", f"{which}, not on this machine", mend)
    return DoctorFact("search", "model", "ok", f"{which}, sha256 {source.sha256[:16]}")


def _index(library: Library) -> DoctorFact:
    from kb.search.index.index import index_home
    from kb.search.index.storage import fits, read_manifest

    manifest = read_manifest(index_home(library.root))
    if manifest is None:
        return DoctorFact("search", "index", "note", "none yet", "Run 'kb build'.")
    count = f"{manifest.n_records} records, {manifest.n_passages} passages"
    if not fits(manifest, library):
        mend = "The next 'kb similar' makes it anew."
        return DoctorFact("search", "index", "note", f"{count}, of other settings", mend)
    return DoctorFact("search", "index", "ok", count)


def _store(library: Library) -> Iterator[DoctorFact]:
    """How the organisation's store stands, where the settings name one."""
    if not library.config.store.url:
        return
    from kb.store.status_line import examine_store

    try:
        yield DoctorFact("store", "server", "ok", examine_store(library))
    except KbError as fault:
        yield DoctorFact("store", "server", "broken", fault.what, fault.todo)


def _settings(library: Library) -> Iterator[DoctorFact]:
    """The settings that differ from what ships, and where they were set."""
    from kb.config import FILE_NAME, Config

    set_, plain = msgspec.to_builtins(library.config), msgspec.to_builtins(Config())
    where = FILE_NAME if (library.root / FILE_NAME).exists() else "defaults"
    changed = [
        (f"{table}.{key}", value)
        for table, values in set_.items()
        for key, value in values.items()
        if value != plain[table][key]
    ]
    if not changed:
        yield DoctorFact("settings", "all", "ok", f"as they ship ({where})")
    for name, value in changed:
        yield DoctorFact("settings", name, "ok", f"{_shown_value(value)} ({where})")


def _shown_value(value: Any) -> str:
    """A value that is no text of a team's own, else how much there is of it."""
    if isinstance(value, _PLAIN):
        return str(value).lower()
    if isinstance(value, str):
        return "set"
    return f"{len(value)} set"
