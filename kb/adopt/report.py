"""What an adoption says of its files: one line each, or everything, and what is left to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kb.adopt.action_count import ActionCount
from kb.adopt.adoption import ADOPTED_BEFORE, NO_POSTMORTEM, UNFILLED, AdoptedFile
from kb.adopt.day_witnesses import FILE_NAME
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.input_files import Found
from kb.humanize import plural
from kb.terminal import cells, cut, visible, wrapped

_KEPT = {ADOPTED_BEFORE, NO_POSTMORTEM, UNFILLED}
#: Told only where they are known: nobody misses a clock that no old form asked for.
_QUIET = ("nothing names it", "nothing names one")
_MOST_NAMED = 8
_HEAD = ("file", "record in postmortems/", "date from", "severity", "clocks", "actions")
#: So wide is a column at most; what is cut stands whole in the record and under --verbose.
_WIDTHS = (34, 42, 18, 12, 6, 7)
#: Of a terminal that is narrower: of the record no more than the day its name begins with.
_NARROW_WIDTHS = (25, 10, 12, 10, 6, 7)
_NARROW_HEAD = ("file", "day", "from", *_HEAD[3:])
_GAP = "  "
_WIDE = sum(_WIDTHS) + len(_GAP) * (len(_WIDTHS) - 1)
_DAY = 10
_MOST_LINES = 20


def outcome(file: AdoptedFile) -> str:
    """What became of a file: `adopted`, `kept` for no fault of its own, or `refused`."""
    if not file.refusal:
        return "adopted"
    return "kept" if file.refusal in _KEPT else "refused"


def summary_lines(files: Sequence[AdoptedFile], *, dry_run: bool, width: int) -> Iterator[str]:
    """A row for each file that is adopted, a line for each that is refused, kept ones as counts.

    On less than its whole width the table has the day of a record in place of its name.
    A run that writes tells only the rows that ask for a look: the others were told by the dry run
    and stand in the records.
    """
    adopted = [file for file in files if not file.refusal]
    shown = adopted if dry_run else _to_judge(adopted)
    yield from _table(shown, is_wide=width >= _WIDE)
    kept = Counter(file.refusal for file in files if file.refusal in _KEPT)
    yield from (f"kept {count}: {reason}" for reason, count in kept.items())
    for file in files:
        if outcome(file) == "refused" and not file.proposed_day:
            yield f"refused  {visible(file.source)}: {visible(file.refusal)}"
    yield from _proposals([file for file in files if file.proposed_day], width)


def detail_lines(file: AdoptedFile, *, dry_run: bool) -> Iterator[str]:
    """All that is known of one file, each value with its line."""
    if file.refusal:
        yield f"{outcome(file):7}  {visible(file.source)}: {visible(file.refusal)}"
        return
    yield f"{'would adopt' if dry_run else 'adopted'}  {visible(file.target.as_posix())}"
    yield f"         from {visible(file.source)}"
    for fact in file.facts:
        if fact.value:
            yield f"         {fact.key}: {visible(fact.value)} ({visible(fact.source)})"
    unknown = [f for f in file.facts if not f.value and f.source not in _QUIET]
    yield from (f"         {fact.key}: unknown ({visible(fact.source)})" for fact in unknown)
    yield f"         its action list: {_list_of(file)}"
    if file.left:
        yield f"         not carried over: {', '.join(file.left)}"


def sum_lines(files: Sequence[AdoptedFile], found: Found, *, dry_run: bool) -> Iterator[str]:
    """How many of each, what is missing in them, and what to do next."""
    counts = Counter(map(outcome, files))
    outcomes = ", ".join(f"{counts[name]} {name}" for name in ("adopted", "kept", "refused"))
    yield ""
    yield f"{plural(len(files), 'file')}: {outcomes}"
    if found.left_alone:
        kinds = ", ".join(f"{count} {visible(kind)}" for kind, count in found.left_alone.items())
        yield f"left alone, of no kind that is read: {kinds}"
    adopted = [file for file in files if not file.refusal]
    yield from _missing(adopted, dry_run=dry_run)
    yield from _to_look_at(adopted)
    yield from _what_to_do(files)
    if counts["adopted"] and not dry_run:
        yield "Nothing is committed. Next: git status, kb check, one commit; git revert undoes it."
    elif counts["adopted"]:
        yield "A dry run: nothing is written. All that is known of each, with its line: --verbose."


def _what_to_do(files: Sequence[AdoptedFile]) -> Iterator[str]:
    """What it takes to have those that were refused: a look, or a line in the file."""
    proposed = sum(bool(file.proposed_day) for file in files)
    others = sum(outcome(file) == "refused" for file in files) - proposed
    if proposed:
        yield (
            f"{proposed} refused, for no two places agree on the day: look at what is proposed, "
            "and run again with --proposed-days, or put 'Incident date: YYYY-MM-DD' in the file"
        )
    if others:
        yield (
            f"{others} refused, with the reason above: mend the file, a minute each, "
            "and run kb adopt again"
        )


def fitted(lines: Iterable[str], width: int) -> Iterator[str]:
    """The lines, those that are longer than the terminal is wide broken at spaces."""
    for line in lines:
        if cells(line) <= width:
            yield line
            continue
        first, *rest = wrapped(line, width - len(_GAP), _MOST_LINES)
        yield first
        yield from (_GAP + part for part in rest)


def _table(files: Sequence[AdoptedFile], *, is_wide: bool) -> Iterator[str]:
    found = [_row(file) if is_wide else _narrow_row(file) for file in files]
    rows = [_HEAD if is_wide else _NARROW_HEAD, *found] if found else []
    widths = [
        min(most, max(cells(row[n]) for row in rows)) if rows else 0
        for n, most in enumerate(_WIDTHS if is_wide else _NARROW_WIDTHS)
    ]
    for row in rows:
        yield _GAP.join(_padded(text, w) for text, w in zip(row, widths, strict=True)).rstrip()


def _proposals(files: Sequence[AdoptedFile], width: int) -> Iterator[str]:
    """A row for each file without a certain day: the likeliest one, and who says what."""
    rows = [
        (visible(file.source.rpartition("/")[2]), file.proposed_day, visible(fact.source))
        for file in files
        for fact in file.facts
        if fact.key == "date"
    ]
    if rows:
        name, day, _ = zip(
            *(rows := [("file", "proposed", "why no day is certain"), *rows]), strict=True
        )
        first = min(_WIDTHS[0] if width >= _WIDE else _NARROW_WIDTHS[0], max(map(cells, name)))
        left = max(width - first - max(map(cells, day)) - 2 * len(_GAP), _DAY)
        widths = (first, max(map(cells, day)), left)
        yield from (_GAP.join(map(_padded, row, widths)).rstrip() for row in rows)


def _narrow_row(file: AdoptedFile) -> tuple[str, ...]:
    """A row without what the day and the others say already: the day of a name, and its ending."""
    source, record, *rest = _row(file)
    day = record[:_DAY]
    return (source.removeprefix(day).lstrip("-_ ").removesuffix(".md") or source, day, *rest)


def _padded(text: str, width: int) -> str:
    short = cut(text, width)
    return short + " " * (width - cells(short))


def _row(file: AdoptedFile) -> tuple[str, ...]:
    facts = {fact.key: fact for fact in file.facts}
    clocks = sum(bool(fact.value) for key, fact in facts.items() if key.startswith("clocks."))
    severity = facts["severity"]
    return (
        visible(file.source.rpartition("/")[2]),
        visible(file.target.name),
        _origin_words(facts["date"]),
        severity.value or (f"{visible(severity.word)}?" if severity.word else "unknown"),
        str(clocks or "none"),
        _number_of(file.actions),
    )


def _number_of(actions: ActionCount) -> str:
    """The number of a list, with a question mark where it may be another or is not known."""
    if actions.number is not None:
        return str(actions.number or "none")
    return f"{actions.listed} ?" if actions.listed else "?"


def _list_of(file: AdoptedFile) -> str:
    number = file.actions.number
    if number is None:
        return f"unknown ({visible(file.actions.why)})"
    return plural(number, "item") if number else "empty"


def _origin_words(day: DerivedFact) -> str:
    """Where a date came from in two words, with a question mark where it only stands in."""
    place = visible(day.source).split(",")[0].split(";")[0]
    if place == "the file's first commit":
        place = "commit"
    place = place.removeprefix("the ") if place.startswith(FILE_NAME) else place
    return f"{place} ?" if day.stands_in else place


def _to_judge(files: Sequence[AdoptedFile]) -> list[AdoptedFile]:
    """The files of which a value only stands in."""
    return [file for file in files if any(fact.stands_in for fact in file.facts)]


def _missing(files: Iterable[AdoptedFile], *, dry_run: bool) -> Iterator[str]:
    """What is unknown in how many, and what it takes."""
    facts = [fact for file in files for fact in file.facts]
    yield from _stood_in([fact for fact in facts if fact.stands_in])
    words = _scale(facts)
    silent = sum(fact.key == "severity" and not fact.value and not fact.word for fact in facts)
    if silent:
        yield f"severity is unknown in {silent}: one word each in front matter, if you want it"
    if words:
        listed = ", ".join(f"{visible(word)} ({count})" for word, count in words.items())
        example = ",".join(f"{visible(word)}=SEV…" for word in list(words)[:3])
        yield f"severity is a word of your own in {sum(words.values())}: {listed}"
        first = "" if dry_run else "remove these records and run again with "
        yield f"  to take them over: {first}--severity '{example}'"


def _stood_in(facts: Sequence[DerivedFact]) -> Iterator[str]:
    """What stands in for the dates and the titles that no line names."""
    if days := sum(fact.key == "date" for fact in facts):
        yield (
            f"the date of {days} only stands in, marked ?: look at each, a minute a file; "
            "'Incident date: YYYY-MM-DD' in the text settles it"
        )
    if titles := sum(fact.key == "title" for fact in facts):
        yield (
            f"no heading of {titles} says what happened, so the title is of the file's name: "
            "'title:' in the record is yours to write"
        )


def _to_look_at(files: Sequence[AdoptedFile]) -> Iterator[str]:
    """What is adopted and may not be meant to be: drafts, and texts that are there twice."""
    drafts = [file for file in files if any(f.key == "status" and f.word for f in file.facts)]
    if drafts:
        names = _listed([file.source for file in drafts])
        yield f"published, though the file calls itself unfinished: {names}"
    twins = [f"{file.source} and {file.same_text_as}" for file in files if file.same_text_as]
    if twins:
        yield f"the same text twice, each a record of its own: {_listed(twins)}"


def _listed(names: Sequence[str]) -> str:
    more = f", and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(map(visible, names[:_MOST_NAMED]))}{more}"


def _scale(facts: Iterable[DerivedFact]) -> Mapping[str, int]:
    """The words of the team's own scale of severity, the most frequent first."""
    words = Counter(
        fact.word for fact in facts if fact.key == "severity" and not fact.value and fact.word
    )
    return dict(words.most_common(8))
