"""The settings of `kb.toml`, read strictly into frozen values, defaults filled in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Meta

from kb.errors import KbError
from kb.json_schemas import schema_of
from kb.safe_files import read_named

FILE_NAME = "kb.toml"
_MAX_BYTES = 5_000_000
#: The years of the first and of the newest rules. An upgrade brings rules of a new edition, which
#: advise until a team moves its own.
FIRST_EDITION = 2026
EDITION = 2026


class BesideConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A library that is asked beside this one: a folder, a Git address, or kb's casebook."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[^\W_][\w.&-]*( [\w.&-]+)*$",
            max_length=40,
            description="Whose it is: what its matches and its column of measures are called",
        ),
    ]
    path: Annotated[
        str, Meta(description="A folder on this machine that has a kb.toml, relative to this one")
    ] = ""
    git: Annotated[
        str, Meta(description="An address over https, ssh or file; kb beside refresh reads it")
    ] = ""
    revision: Annotated[
        str, Meta(description="Branch, tag or whole commit of it; its default branch when empty")
    ] = ""
    folder: Annotated[
        str, Meta(description="Folder of kb.toml within the repository; its root when empty")
    ] = ""
    casebook: Annotated[
        bool, Meta(description="Whether it is the public incidents that ship with kb")
    ] = False


Share = Literal["none", "facts", "external", "all"]


class LibraryConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the records are, and what the library is called."""

    name: Annotated[str, Meta(description="Name of the library, as titles show it")] = "Postmortems"
    path: Annotated[str, Meta(description="Folder of the records, relative to kb.toml")] = (
        "postmortems"
    )
    adopted: Annotated[
        tuple[str, ...],
        Meta(description="Files, such as postmortems/2019-*, that are held to no form"),
    ] = ()
    share: Annotated[
        Share,
        Meta(
            description="What libraries beside this one are told of published records: nothing; "
            "facts (kind, classes, control, causes, tools, clocks, shape of the run) and no "
            "sentence; the signed external editions; or all of it"
        ),
    ] = "facts"
    beside: Annotated[
        tuple[BesideConfig, ...],
        Meta(description="Libraries that are asked beside this one, with --everywhere"),
    ] = ()


class ScopeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Files that are held to a profile and to rules of their own."""

    files: Annotated[
        tuple[str, ...],
        Meta(min_length=1, description="Paths from kb.toml on, * standing for anything"),
    ]
    profile: Annotated[
        Literal["", "one-page", "short", "full"],
        Meta(description="The profile they are held to, whatever their severity"),
    ] = ""
    disable: Annotated[tuple[str, ...], Meta(description="Rules that are off for them")] = ()
    enable: Annotated[
        tuple[str, ...], Meta(description="Rules off by default that are on for them")
    ] = ()


class FormConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Changes to the form: section keys are those of `kb.records.form_sections`."""

    headings: Annotated[dict[str, str], Meta(description="Section key to its heading")] = {}
    aliases: Annotated[
        dict[str, tuple[str, ...]],
        Meta(description="Section key to further headings"),
    ] = {}
    prompts: Annotated[dict[str, str], Meta(description="Section key to the question it asks")] = {}
    profiles: Annotated[
        dict[str, tuple[str, ...]],
        Meta(description="Profile (one-page, short, full, public) to its required section keys"),
    ] = {}
    scope: Annotated[
        tuple[ScopeConfig, ...],
        Meta(description="Files with a profile and rules of their own; the first that fits holds"),
    ] = ()


class TaxonomyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Words added to the taxonomies: word to definition."""

    classes: dict[str, str] = {}
    missing_control: dict[str, str] = {}
    causes: dict[str, str] = {}
    lever: dict[str, str] = {}


class CheckConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits and switches of `kb check`."""

    disable: Annotated[tuple[str, ...], Meta(description="Rules that are off")] = ()
    enable: Annotated[
        tuple[str, ...], Meta(description="Rules that are off by default and on here")
    ] = ()
    edition: Annotated[
        int,
        Meta(
            ge=FIRST_EDITION,
            le=EDITION,
            description="The year whose rules may be errors; those of later years only advise",
        ),
    ] = EDITION
    word_budget: Annotated[int, Meta(ge=1, description="Words of prose to keep to")] = 1500
    containment_limit_minutes: Annotated[
        int, Meta(ge=1, description="Warning to containment above which a control is asked for")
    ] = 60
    people: Annotated[
        tuple[str, ...], Meta(description="Names of people that must not stand in a record")
    ] = ()


class SearchConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The encoder, and how many answers."""

    model: Annotated[str, Meta(description="Path of a model folder, or a name the hub knows")] = (
        "sentence-transformers/all-MiniLM-L6-v2"
    )
    precision: Annotated[
        Literal["fp32", "int8"],
        Meta(description="int8 embeds 2.3 times as fast; measured nDCG@10 .007 lower"),
    ] = "fp32"
    limit: Annotated[int, Meta(ge=1, le=100, description="Matches shown by kb similar")] = 5
    bar: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Chance of telling of something recorded here from which on a text is "
            "answered; kb eval shows what it costs",
        ),
    ] = 0.3
    vectors: Annotated[
        str, Meta(description="Folder of computed vectors; clones may share one outside the tree")
    ] = ".kb"
    casebook: Annotated[
        bool | None,
        Meta(
            description="Whether the public incidents that ship with kb are searched too; "
            "by default while fewer than 20 own records are published and no other library "
            "or store is named"
        ),
    ] = None
    everywhere: Annotated[
        bool, Meta(description="Whether the libraries of library.beside are searched too")
    ] = False


class SiteConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the site presents itself."""

    url: Annotated[str, Meta(description="Public address of the site, for feeds")] = ""
    subtitle: Annotated[
        str,
        Meta(
            description="Line under the name on the home page of the internal edition, "
            "before the number of postmortems"
        ),
    ] = ""
    repository: Annotated[
        str, Meta(description="Web address of the repository; read from the remote when empty")
    ] = ""
    key: Annotated[
        str,
        Meta(
            description="Any text of your own, kept for ever; with it nobody outside can guess "
            "file names from the addresses of the external edition"
        ),
    ] = ""
    semantic_search: Annotated[
        bool, Meta(description="Whether readers may load search by meaning, 24 MB, into a browser")
    ] = False


class MetricsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The all-hands that the measures look back to."""

    last: Annotated[
        date | None,
        Meta(description="Day of the last all-hands, where no tag all-hands/… marks it"),
    ] = None


class RunsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the team knows about its agents' tools, and a trace does not say."""

    effects: Annotated[
        dict[str, Literal["read", "write", "destructive"]],
        Meta(description="Tool, or a pattern such as get_*, to what it does to the world"),
    ] = {}
    policy: Annotated[
        tuple[str, ...],
        Meta(description="Rules of order between tools: `refund requires approve before it`"),
    ] = ()
    allow: Annotated[
        tuple[str, ...],
        Meta(description="Values, or patterns such as *@acme.example, that are not redacted"),
    ] = ()
    replay: Annotated[
        str,
        Meta(description="Entry point of the agent: package.module:function, or a command"),
    ] = ""


class StoreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The organisation's store."""

    url: Annotated[
        str,
        Meta(description="postgresql://host/database, without a password: PGPASSWORD has it"),
    ] = ""
    private: Annotated[
        bool,
        Meta(description="Whether what is not shared lies there too, for this team's roles alone"),
    ] = False


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of `kb.toml`; a missing file is this value with its defaults."""

    library: LibraryConfig = msgspec.field(default_factory=LibraryConfig)
    form: FormConfig = msgspec.field(default_factory=FormConfig)
    taxonomy: TaxonomyConfig = msgspec.field(default_factory=TaxonomyConfig)
    check: CheckConfig = msgspec.field(default_factory=CheckConfig)
    search: SearchConfig = msgspec.field(default_factory=SearchConfig)
    metrics: MetricsConfig = msgspec.field(default_factory=MetricsConfig)
    runs: RunsConfig = msgspec.field(default_factory=RunsConfig)
    site: SiteConfig = msgspec.field(default_factory=SiteConfig)
    store: StoreConfig = msgspec.field(default_factory=StoreConfig)


def read_config(root: Path) -> Config:
    """The settings in `root/kb.toml`, or the defaults where there is no such file.

    Raises `KbError` for text that is not TOML, an unknown key, or a value of the wrong type.
    """
    path = root / FILE_NAME
    try:
        raw = read_named(path, _MAX_BYTES)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    return parse_config(raw, str(path))


def parse_config(raw: bytes, where: str) -> Config:
    """The settings in the bytes of a `kb.toml`; `where` names them in an error.

    Raises `KbError` for text that is not TOML, an unknown key, or a value of the wrong type.
    """
    try:
        values = tomllib.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, or a number of 4,300 digits
        todo = "Correct the file, then run kb again."
        _refuse_table_twice(raw.decode("utf-8", "replace"), where)
        what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise KbError(
            f"cannot be read: {what.partition(';')[0]}", where=where, todo=todo
        ) from error
    try:
        config = msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        todo = "Correct the key or its type, or remove it to get the default."
        raise KbError(f"{error}", where=where, todo=todo) from error
    _refuse_unusable(values, config, where)
    return config


def _refuse_table_twice(text: str, where: str) -> None:
    """Raises `KbError` where a table has two headings: TOML wants its keys below one."""
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name = line.partition("#")[0].strip()
        if not _TABLE.fullmatch(name):
            continue
        if name in seen:
            todo = f"Move the keys below line {number} to those below line {seen[name]}."
            what = f"{name} stands twice, in lines {seen[name]} and {number}"
            raise KbError(what, where=where, todo=todo)
        seen[name] = number


_TABLE = re.compile(r"\[[\w.-]{1,100}\]")


def _refuse_unusable(values: dict[str, object], config: Config, where: str) -> None:
    """Raises `KbError` for a text no file name can hold, and for the home of nobody."""
    for key, text in _texts(values, ""):
        if "\0" in text:
            raise KbError(f"'{key}' holds the character NUL", where=where, todo="Remove it.")
    places = [(f"search.{key}", getattr(config.search, key)) for key in ("model", "vectors")]
    places += [("library.beside", beside.path) for beside in config.library.beside]
    for key, text in places:
        try:
            Path(text).expanduser()
        except RuntimeError as error:
            what = f"'{key}' is '{text}', and no such home folder is known"
            raise KbError(what, where=where, todo="Write the path in full.") from error
    _refuse_secret(config.store.url, where)
    _refuse_unclear_beside(config, where)


def _refuse_secret(url: str, where: str) -> None:
    """Raises `KbError` for an address that is none, or that holds a password."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        secret = parts.password or "password" in dict(parse_qsl(parts.query))
    except ValueError:
        parts, secret = None, ""
    if secret:
        raise KbError(
            "'store.url' holds a password, which every clone of the repository would have",
            where=where,
            todo="Change that password, take it out here, and set PGPASSWORD or write ~/.pgpass.",
        )
    if parts is None or parts.scheme not in {"postgresql", "postgres"}:
        todo = 'Write url = "postgresql://host/database".'
        raise KbError("'store.url' is no address of a PostgreSQL", where=where, todo=todo)


def _refuse_unclear_beside(config: Config, where: str) -> None:
    """Raises `KbError` where a library beside is nowhere or in two places, or two share a name."""
    taken = {config.library.name.casefold()}
    for beside in config.library.beside:
        places = (beside.path, beside.git, beside.casebook)
        if sum(map(bool, places)) != 1:
            what = f"library.beside '{beside.name}' needs one of path, git and casebook"
            raise KbError(what, where=where, todo="Say where it is, in one of the three ways.")
        if (beside.revision or beside.folder) and not beside.git:
            what = f"library.beside '{beside.name}' has a revision or folder, which go with git"
            raise KbError(what, where=where, todo="Remove them, or name an address.")
        if beside.name.casefold() in taken:
            what = f"two libraries are called '{beside.name}'"
            raise KbError(what, where=where, todo="Give each a name of its own: answers show it.")
        taken.add(beside.name.casefold())


def _texts(value: object, key: str) -> Iterator[tuple[str, str]]:
    """Every text among the settings, with its dotted key; keys count as texts."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            dotted = f"{key}.{name}".lstrip(".")
            yield dotted.replace("\0", "?"), name
            yield from _texts(inner, dotted)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)


def config_schema() -> dict[str, object]:
    """The JSON Schema of `kb.toml`, generated from the types above."""
    return schema_of(Config)
