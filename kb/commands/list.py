"""`kb list`: the records of the library, newest first, narrowed by what they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.commands.completion import owners, routes, words
from kb.commands.metrics import read_day
from kb.did_you_mean import check_word, folded
from kb.errors import KbError
from kb.humanize import plural
from kb.library import Library, open_library
from kb.records.postmortem import Postmortem
from kb.records.taxonomy import ADOPTED
from kb.streams import echo, echo_json, warn
from kb.terminal import as_lines, cut, visible

if TYPE_CHECKING:
    from kb.search.several_libraries import OtherLibrary

_TITLE_WIDTH = 76


@dataclass(frozen=True)
class RecordFilter:
    """What is asked for; empty and None mean any. `text` are words of id or title."""

    text: tuple[str, ...]
    status: str | None
    origin: str | None
    kind: str | None
    severity: str | None
    word: str | None
    route: str | None
    owner: str | None
    since: date | None

    def allows(self, record: Postmortem) -> bool:
        """Whether a record is asked for; case and the @ of an owner make no difference."""
        id_and_title = f"{record.id} {record.title}".casefold()
        return all(
            (
                all(part.casefold() in id_and_title for part in self.text),
                _is_asked(self.status, (record.status,)),
                _is_asked(self.origin, (record.origin,)),
                _is_asked(self.kind, (record.kind,)),
                _is_asked(self.severity, (record.severity,)),
                _is_asked(self.word, record.classes),
                _is_asked(self.route, (record.route,)),
                _is_asked(self.owner, record.owners),
                self.since is None or record.date >= self.since,
            )
        )


def _is_asked(wanted: str | None, given: Iterable[str]) -> bool:
    return wanted is None or folded(wanted) in {folded(word) for word in given}


@click.command("list")
@click.argument("text", nargs=-1)
@click.option("--status", metavar="WORD", shell_complete=words("status"), help="Only this status.")
@click.option("--origin", metavar="WORD", shell_complete=words("origin"), help="Whose incidents.")
@click.option("--kind", metavar="WORD", shell_complete=words("kind"), help="Only this kind.")
@click.option(
    "--severity", metavar="WORD", shell_complete=words("severity"), help="Only this severity."
)
@click.option("--class", "word", metavar="CLASS", shell_complete=words("classes"), help="Of it.")
@click.option("--route", metavar="ROUTE", shell_complete=routes, help="Only this route.")
@click.option("--owner", metavar="WHO", shell_complete=owners, help="Only what they answer for.")
@click.option("--since", metavar="DATE", help="Only from this day on.")
@click.option("--everywhere", is_flag=True, help="Those of other teams too (kb beside).")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.list/1).")
def command(since: str | None, *, as_json: bool, everywhere: bool, **asked: Any) -> None:
    """List the records whose id or title has every word of TEXT, newest first.

    Drafts are listed too, and marked. Records of other teams stand behind one's own, as far as
    each shares them.
    """
    wanted = RecordFilter(since=read_day(since), **asked)
    library = open_library(Path.cwd())
    others = _libraries_beside(library) if everywhere else ()
    _refuse_unknown((library, *(one for _, one in others if one)), wanted)
    found = [("", record) for record in reversed(library.records) if wanted.allows(record)]
    for name, other in others:
        published = reversed(other.published) if other else ()
        found += [(name, record) for record in published if wanted.allows(record)]
    if as_json:
        rows = [_json(record) | ({"library": name} if name else {}) for name, record in found]
        echo_json(json.dumps({"schema": "kb.list/1", "records": rows}, indent=2))
        return
    lines = [line for name, record in found for line in _lines(record, name)]
    echo(as_lines([*lines, plural(len(found), "record")]), end="")


def _libraries_beside(library: Library) -> tuple[tuple[str, Library | None], ...]:
    """The libraries that `kb.toml` names, each with its name; what cannot be read is said."""
    from kb.search.is_installed import prepare_search

    prepare_search()
    from kb.other_libraries.open_libraries import declared, open_one

    opened = (open_one(library, beside) for beside in declared(library))
    return tuple((one.name, _records_of(one)) for one in opened)


def _records_of(other: OtherLibrary) -> Library | None:
    from kb.other_libraries.measures_by_team import library_of

    try:
        found, note = library_of(other), other.note if other.is_silent else ""
    except KbError as error:
        found, note = None, other.silent(error.what).note
    if note:
        warn(visible(f"kb list: {other.name}: {note}"))
    return found


def _refuse_unknown(libraries: Sequence[Library], wanted: RecordFilter) -> None:
    """Raise `KbError` for a word that nothing has: an empty list would read as an answer."""
    form, records = libraries[0].form, [r for library in libraries for r in library.records]
    known = {
        "status": (wanted.status, form.words("status")),
        "origin": (wanted.origin, form.words("origin")),
        "kind": (wanted.kind, form.words("kind")),
        "severity": (wanted.severity, form.words("severity")),
        "class": (wanted.word, form.words("classes") | {c for r in records for c in r.classes}),
        "route": (wanted.route, {record.route for record in records}),
        "owner": (wanted.owner, {owner for record in records for owner in record.owners}),
    }
    for what, (word, names) in known.items():
        if word is not None:
            check_word(what, word, names)


def _lines(record: Postmortem, team: str) -> tuple[str, str]:
    mark = "" if record.status == "published" else f" [{record.status}]"
    mark += f" [merged into {visible(record.merged_into)}]" if record.merged_into else ""
    mark += f" [{ADOPTED}]" if record.is_adopted else ""
    title = cut(visible(f"{team}: {record.title}" if team else record.title), _TITLE_WIDTH)
    return f"{record.severity or '-':<5} {visible(record.id)}{mark}", f"      {title}"


def _json(record: Postmortem) -> dict[str, Any]:
    return {
        "id": record.id,
        "path": record.path.as_posix(),
        "title": record.title,
        "date": record.date.isoformat(),
        "status": record.status,
        "origin": record.origin,
        "kind": record.kind,
        "severity": record.severity,
        "classes": list(record.classes),
        "route": record.route,
        "owners": list(record.owners),
        "form": record.form,
        "merged_into": record.merged_into or None,
        "occurrences": len(record.occurrences),
    }
