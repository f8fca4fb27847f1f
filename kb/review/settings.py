"""The settings that hold for the review of a branch; those it cannot choose come from its base.

Where the records are, which model is loaded, and the rules on records and privacy: a branch that
could switch them off would decide what it is reviewed against.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import msgspec

from kb.config import FILE_NAME, CheckConfig, Config, ScopeConfig, parse_config
from kb.library import Library, load_document, record_files
from kb.lint.registry import all_rules
from kb.repo import Commit, Repo

#: Families of rules that a branch can neither switch off nor on for its own review.
_KEPT_FAMILIES = frozenset({"record", "privacy"})


def settings_before(repo: Repo, start: Commit, root: PurePosixPath) -> Config:
    """The settings of a library's folder at a commit; the defaults where it had none.

    Raises `KbError` for settings that cannot be read.
    """
    path = root / FILE_NAME
    raw = repo.read_all([path], start).get(path)
    return parse_config(raw, str(path)) if raw else Config()


def with_trusted_settings(library: Library, before: Config) -> Library:
    """The library as its base sees it: its folder, its encoder, its rules on privacy."""
    config = msgspec.structs.replace(
        library.config,
        library=before.library,
        search=before.search,
        check=_trusted_check(library.config.check, before.check),
    )
    scopes = tuple(_trusted_scope(scope, before.form.scope) for scope in library.form.scopes)
    trusted = replace(library, config=config, form=replace(library.form, scopes=scopes))
    if library.folder == trusted.folder:
        return trusted
    files = record_files(trusted.folder) if trusted.folder.is_dir() else []
    documents = tuple(load_document(file, library.form, library.root) for file in files)
    return replace(trusted, documents=documents)


def _trusted_check(now: CheckConfig, before: CheckConfig) -> CheckConfig:
    kept = _kept_rules()

    def mixed(here: tuple[str, ...], there: tuple[str, ...]) -> tuple[str, ...]:
        """What the branch says of its own rules, and what the base says of those kept."""
        ours = [name for name in here if name not in kept]
        return (*ours, *(name for name in there if name in kept))

    return msgspec.structs.replace(
        now,
        disable=mixed(now.disable, before.disable),
        enable=mixed(now.enable, before.enable),
        people=tuple(dict.fromkeys((*before.people, *now.people))),
    )


def _trusted_scope(scope: ScopeConfig, before: tuple[ScopeConfig, ...]) -> ScopeConfig:
    """A scope of the branch; of the rules that are kept, one that the base has not says nothing."""
    if scope in before:
        return scope
    kept = _kept_rules()
    return msgspec.structs.replace(
        scope,
        disable=tuple(name for name in scope.disable if name not in kept),
        enable=tuple(name for name in scope.enable if name not in kept),
    )


def _kept_rules() -> frozenset[str]:
    """The codes and names of the rules that a branch cannot choose."""
    rows = [row for row in all_rules() if row.family in _KEPT_FAMILIES]
    return frozenset(name for row in rows for name in (row.code, row.name))


def changed_settings(now: Config, before: Config) -> tuple[str, ...]:
    """What a branch changes of where the records are and how they are checked, a line each."""
    rows: list[tuple[str, object, object]] = [
        ("library.path", before.library.path, now.library.path),
        ("library.adopted", before.library.adopted, now.library.adopted),
        ("form.scope", before.form.scope, now.form.scope),
    ]
    rows += [
        (f"check.{name}", getattr(before.check, name), getattr(now.check, name))
        for name in CheckConfig.__struct_fields__
    ]
    return tuple(
        f"{name}: {_toml_value(old)} → {_toml_value(new)}" for name, old, new in rows if old != new
    )


def _toml_value(value: object) -> str:
    """A value as it stands in `kb.toml`."""
    return msgspec.json.encode(value).decode()
