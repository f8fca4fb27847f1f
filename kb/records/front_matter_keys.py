"""The front-matter keys, one row each: type, meaning, and when it must be given.

The reader of records, the checks, the order `kb fmt` gives, the blank record, the schema that
editors complete from, and the external edition read this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kb.records.compound_values import CLOCK_NAMES
from kb.records.front_matter import FrontMatter, MappingEntry
from kb.records.value_readers import (
    Reader,
    agent,
    clocks,
    known_text,
    known_texts,
    links,
    lists_of_pairs,
    number,
    occurrences,
    pairs,
    review,
    shared_copies,
    signoffs,
    text_of,
    text_or,
    texts,
    time_of,
    whole_number,
)
from kb.records.wall_definitions import walls_of

#: The statuses in the order a record passes through them.
STAGES = ("draft", "in-review", "published")


class KeyType(StrEnum):
    """What stands under a key. The value says in words what a writer has to type."""

    TEXT = "one line of text"
    DATE = "a day such as 2026-04-12"
    TIME = "a time with its offset such as 2026-04-12T13:58:00Z"
    COUNT = "a whole number such as 14"
    NUMBER = "a number such as 4200"
    WORD = "one word of its list"
    TEXTS = "a list such as [one, two]"
    WORDS = "a list of words such as [one, two]"
    GROUP = "keys of its own such as {name: value}"
    GROUPS = "a list of groups such as [{name: value}]"
    LINKS = "links by name such as {trace: value}"
    PATTERNS = "patterns by JSONPath such as {$.amount: '> 100'}"
    CALLS = "a command, the arguments of a call such as {path: value}, or a list of these"


#: How a value of each type is read, where the row of its key names no reader of its own.
_READERS: dict[KeyType, Reader] = {
    KeyType.TEXT: text_of,
    KeyType.DATE: text_of,
    KeyType.TIME: time_of,
    KeyType.COUNT: whole_number,
    KeyType.NUMBER: number,
    KeyType.WORD: text_of,
    KeyType.TEXTS: texts,
    KeyType.WORDS: texts,
    KeyType.GROUP: pairs,
    KeyType.GROUPS: lists_of_pairs,
    KeyType.LINKS: links,
    KeyType.PATTERNS: links,
    KeyType.CALLS: text_of,
}


@dataclass(frozen=True, slots=True)
class Key:
    """One row. `name` is the key as written; rows of groups list their own keys in `keys`.

    `taxonomy` names the word list of a WORD or WORDS. `unknown` says who may write `unknown`:
    "always", "early" (drafts, and records of public origin), or nobody. `required_from` is the
    first status at which it must stand, empty for never; `required_when` narrows that to the
    records in which another key, or the profile, has that value. `read` gives the value, where
    that of the type does not; `blank` is the YAML a blank record has, empty where it lacks the key.
    `external` says whether the external edition may carry it; without it a key is internal.
    `one_page` is the YAML a one page has, empty where it does not ask for the key. `hint` says how
    a value is written, in a comment above it.
    """

    name: str
    type: KeyType
    description: str
    taxonomy: str = ""
    unknown: str = ""
    required_from: str = ""
    required_when: tuple[str, str] | None = None
    keys: tuple[Key, ...] = ()
    read: Reader | None = None
    blank: str = ""
    external: bool = False
    one_page: str = ""
    hint: str = ""

    @property
    def reader(self) -> Reader:
        """The function from the front matter to the value."""
        return self.read or _READERS[self.type]


def _word(
    name: str,
    description: str,
    required_from: str = "",
    unknown: str = "",
    read: Reader | None = None,
    *,
    blank: str,
    external: bool = False,
    one_page: str = "",
) -> Key:
    """A WORD of the list that has the key's name."""
    return Key(
        name,
        KeyType.WORD,
        description,
        taxonomy=name,
        unknown=unknown,
        required_from=required_from,
        read=read,
        blank=blank,
        external=external,
        one_page=one_page,
    )


#: The clocks the external edition may carry.
_CLOCKS_SHOWN = frozenset({"first_impact", "detected", "contained", "resolved"})
#: The clocks a blank record asks for; the others are added when they have happened.
_CLOCKS_ASKED = ("route_start", "first_warning", "first_impact", "detected", "contained")
#: Those a person knows in the night in which it happens.
_CLOCKS_AT_ONCE = ("first_impact", "detected", "contained")
_CLOCK_MEANINGS = {
    "route_start": "When the run, or the first of the runs, began",
    "first_warning": "The first signal that anything could have noticed",
    "first_impact": "The first effect outside the route",
    "detected": "When we knew",
    "acknowledged": "When a person took it on",
    "contained": "When it could do no further harm",
    "resolved": "When the harm was repaired",
    "restarted": "When the route ran again",
}

KEYS: tuple[Key, ...] = (
    Key(
        "title",
        KeyType.TEXT,
        "What happened, in one line a stranger understands",
        required_from="draft",
        external=True,
    ),
    Key("date", KeyType.DATE, "The day in the file name: of first impact, UTC", "", "", "draft"),
    _word(
        "status",
        "How far the record is",
        "draft",
        read=text_or("draft"),
        blank="draft",
        one_page="draft",
    ),
    _word(
        "origin",
        "The team's own incident, or one written from published facts",
        read=text_or("own"),
        blank="own",
    ),
    Key(
        "form",
        KeyType.WORD,
        "`adopted` for a record taken over as it stood, which is not held to the form; or the "
        "profile it is held to",
        taxonomy="form",
    ),
    _word(
        "kind",
        "What sort of event it was",
        "in-review",
        read=text_or("incident"),
        blank="incident",
        external=True,
    ),
    Key(
        "rescues",
        KeyType.COUNT,
        "How often people had saved this route before",
        unknown="always",
        required_from="in-review",
        required_when=("kind", "rescue"),
        blank="unknown",
    ),
    _word("severity", "How bad it was", "in-review", blank="SEV3", external=True, one_page="SEV3"),
    _word(
        "impact",
        "How far it reached",
        "in-review",
        blank="internal",
        external=True,
        one_page="internal",
    ),
    Key(
        "classes",
        KeyType.WORDS,
        "Failure classes, the first is primary",
        taxonomy="classes",
        required_from="in-review",
        blank="[]",
        external=True,
    ),
    Key(
        "causes",
        KeyType.WORDS,
        "Root-cause categories",
        taxonomy="causes",
        required_from="published",
        blank="[]",
        external=True,
    ),
    _word(
        "missing_control",
        "The control that was skipped: had it existed, this would have been caught",
        "published",
        "early",
        known_text,
        blank="unknown",
        external=True,
    ),
    Key(
        "route",
        KeyType.TEXT,
        "The workflow that failed: what kb gate guards",
        unknown="early",
        required_from="in-review",
        blank="unknown",
    ),
    Key(
        "agent",
        KeyType.GROUP,
        "Which agent it was",
        keys=(
            Key(
                "name",
                KeyType.TEXT,
                "The agent's name",
                unknown="early",
                required_from="published",
            ),
            Key("version", KeyType.TEXT, "Its version", unknown="always"),
            Key("framework", KeyType.TEXT, "What it is built on", unknown="always"),
            Key("autonomy", KeyType.TEXT, "What it may do unasked", unknown="always"),
        ),
        read=agent,
        blank="{name: unknown, version: unknown, framework: unknown, autonomy: unknown}",
    ),
    Key(
        "models",
        KeyType.TEXTS,
        "Models that ran, with their versions",
        unknown="always",
        read=known_texts,
        blank="[]",
    ),
    Key(
        "vendors",
        KeyType.TEXTS,
        "Vendors whose behaviour contributed",
        unknown="always",
        read=known_texts,
        blank="[]",
    ),
    Key(
        "tools",
        KeyType.TEXTS,
        "Tools the agent called",
        unknown="always",
        read=known_texts,
        blank="[]",
    ),
    Key("systems", KeyType.TEXTS, "Systems it touched", unknown="always", read=known_texts),
    Key(
        "clocks",
        KeyType.GROUP,
        "When things happened, ISO 8601 with offset",
        keys=tuple(
            Key(
                name,
                KeyType.TIME,
                _CLOCK_MEANINGS[name],
                unknown="always",
                external=name in _CLOCKS_SHOWN,
            )
            for name in CLOCK_NAMES
        ),
        read=clocks,
        blank="".join(f"\n  {name}: unknown" for name in _CLOCKS_ASKED),
        hint="UTC, as 2026-04-12T14:02:00Z",
        one_page="".join(f"\n  {name}: unknown" for name in _CLOCKS_AT_ONCE),
        external=True,
    ),
    _word(
        "detected_by",
        "Who or what found it",
        "in-review",
        "early",
        known_text,
        blank="unknown",
        one_page="unknown",
    ),
    _word(
        "warned_by",
        "What kind of signal the first warning was",
        unknown="always",
        read=known_text,
        blank="unknown",
    ),
    _word(
        "contained_by",
        "How it was stopped from doing further harm",
        unknown="always",
        read=known_text,
        blank="unknown",
    ),
    Key(
        "customers_affected",
        KeyType.COUNT,
        "How many customers it reached",
        unknown="always",
        required_from="published",
        blank="unknown",
        external=True,
    ),
    Key(
        "cost_usd",
        KeyType.NUMBER,
        "What it cost, in US dollars",
        unknown="always",
        required_from="published",
        blank="unknown",
    ),
    _word(
        "visibility",
        "Whether the redacted edition may carry it",
        read=text_or("internal"),
        blank="internal",
    ),
    Key("affected_customers", KeyType.TEXTS, "Which customers; never leaves the internal edition"),
    Key(
        "owners",
        KeyType.TEXTS,
        "Handles or roles that answer for it",
        required_from="in-review",
        blank="[]",
    ),
    Key(
        "facts_agreed",
        KeyType.GROUP,
        "Who agreed on the facts of the run before causes were discussed, and when",
        keys=(
            Key("by", KeyType.TEXT, "Handles or roles", unknown="always"),
            Key("at", KeyType.TIME, "When", unknown="always"),
        ),
        read=review,
        blank="{by: unknown, at: unknown}",
    ),
    Key("opened", KeyType.TIME, "When review was asked for"),
    Key(
        "reviewed",
        KeyType.GROUP,
        "Who reviewed it, and when",
        keys=(
            Key("by", KeyType.TEXT, "A handle or role"),
            Key("at", KeyType.TIME, "When"),
        ),
        read=review,
    ),
    Key(
        "lessons_by",
        KeyType.TEXT,
        "The person who wrote the lessons, by handle or role",
        required_from="published",
        required_when=("profile", "full"),
        blank="# handle or role of the person who writes the lessons",
    ),
    Key("links", KeyType.LINKS, "Where the rest is: trace, eval, channel, prs"),
    Key(
        "shared",
        KeyType.GROUPS,
        "Copies given to the customers it affected",
        keys=(
            Key("with", KeyType.TEXT, "The customer"),
            Key("at", KeyType.TIME, "When"),
        ),
        read=shared_copies,
    ),
    Key(
        "signoffs",
        KeyType.GROUPS,
        "Restart conditions accepted",
        keys=(
            Key("owner", KeyType.TEXT, "Who accepted them, by handle or role"),
            Key("at", KeyType.TIME, "When"),
            Key("commit", KeyType.TEXT, "At which commit"),
            Key("actions", KeyType.TEXTS, "Labels of the actions accepted"),
        ),
        read=signoffs,
    ),
    Key(
        "sources",
        KeyType.TEXTS,
        "Where each published fact comes from",
        required_from="in-review",
        required_when=("origin", "public"),
    ),
    Key(
        "walls",
        KeyType.GROUPS,
        "Calls of a tool that are stopped, asked about or noted from now on (docs/walls.md)",
        keys=(
            Key("id", KeyType.TEXT, "What it is called in this record, such as W1"),
            Key("tool", KeyType.TEXT, "Names of tools, * for anything, | between; shell for any"),
            Key("command", KeyType.TEXT, "Words of one command, in order: terraform destroy"),
            Key("effect", KeyType.WORD, "What that command does", taxonomy="wall_effect"),
            Key("target", KeyType.TEXT, "What it does it to, * for anything"),
            Key("arguments", KeyType.PATTERNS, "What the arguments are like"),
            Key("verdict", KeyType.WORD, "What becomes of the call", taxonomy="wall_verdict"),
            Key("reason", KeyType.TEXT, "Why, in one sentence that the agent is shown"),
            Key("stops", KeyType.CALLS, "A call that it stops, to prove it"),
            Key("passes", KeyType.CALLS, "A like call that it lets pass"),
        ),
        read=walls_of,
    ),
    Key("aliases", KeyType.TEXTS, "Other names of this incident, such as AIID-622"),
    Key(
        "occurrences",
        KeyType.GROUPS,
        "Further times the same cause did harm; kb occur adds one (docs/never-twice.md)",
        keys=(
            Key("at", KeyType.TIME, "When it began"),
            Key("route", KeyType.TEXT, "Where, if not on the route of the record"),
            Key("trace", KeyType.TEXT, "What its trace is called at the source"),
            Key("run", KeyType.TEXT, "Digest of the run, as kb occur --from-run writes it"),
            Key("customers", KeyType.COUNT, "How many customers it reached", unknown="always"),
            Key("note", KeyType.TEXT, "What was different, in one line"),
        ),
        read=occurrences,
    ),
    Key(
        "merged_into",
        KeyType.TEXT,
        "The record that tells the same incident: this one counts no more, and leads there",
    ),
)

#: How the value of each top-level key is read; a record's title and day come with its document.
READERS: dict[str, Reader] = {
    row.name: row.reader for row in KEYS if row.name not in {"title", "date"}
}
_POSITIONS = {row.name: index for index, row in enumerate(KEYS)}


def position(name: str) -> int:
    """Where a top-level key stands in the form's order; unknown keys come after all others."""
    return _POSITIONS.get(name, len(KEYS))


def rows(keys: tuple[Key, ...] = KEYS, prefix: str = "") -> Iterator[tuple[str, Key]]:
    """Every row with its dotted name, groups before their keys; lists of groups are not entered."""
    for row in keys:
        yield prefix + row.name, row
        if row.type is KeyType.GROUP:
            yield from rows(row.keys, f"{prefix}{row.name}.")


#: The rows that are ever required, each with the number of its stage.
_REQUIREMENTS = tuple(
    (name, row, STAGES.index(row.required_from)) for name, row in rows() if row.required_from
)
#: The rows by name: those of the top, and those inside each group.
_ROWS = {row.name: row for row in KEYS}
_ROWS_INSIDE = {group.name: {row.name: row for row in group.keys} for group in KEYS if group.keys}


#: An entry, the row of its key (None for an unknown one), and the rows beside that.
RowedEntry = tuple[MappingEntry, Key | None, tuple[Key, ...]]


def entries(front: FrontMatter) -> Iterator[RowedEntry]:
    """Every entry with the row of its key (None for an unknown one) and the rows beside it."""
    for entry in front.entries:
        row = _ROWS.get(entry.key)
        yield entry, row, KEYS
        if row is not None and row.keys:
            inside = _ROWS_INSIDE[row.name]
            for group in (entry.value, *entry.value.items):
                for inner in group.entries:
                    yield inner, inside.get(inner.key), row.keys


def required(front: FrontMatter, profile: str) -> Iterator[str]:
    """The dotted names of the keys that a record of a profile must give at its status."""
    status = front.text("status") or "draft"
    stage = STAGES.index(status) if status in STAGES else -1
    for name, row, from_stage in _REQUIREMENTS:
        if from_stage <= stage and _applies(row, front, profile):
            yield name


def _applies(row: Key, front: FrontMatter, profile: str) -> bool:
    if row.required_when is None:
        return True
    name, value = row.required_when
    return value == (profile if name == "profile" else front.text(name))


def may_be_unknown(row: Key, front: FrontMatter) -> bool:
    """Whether `unknown` is an answer to this key in a record with this front matter."""
    if row.unknown == "early":
        status = front.text("status") or "draft"
        return status == "draft" or front.text("origin") == "public"
    return row.unknown == "always"
