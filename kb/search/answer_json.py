"""The JSON of an answer (`kb.similar/1`): its types, its schema, and an answer as one of them.

Apart from `answer`, for making the types takes longer than most questions have time.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from kb.json_schemas import schema_of
from kb.search.answer import Answer, Match
from kb.terminal import whole_value

SCHEMA = "kb.similar/1"


class QueryJson(Struct, kw_only=True):
    """What was asked; `id` for a record or draft.

    `too_short`: so few words that the probabilities are an order of the matches and no more.
    `shows_fault` is false where a run asked in whose trace nothing went wrong. `ordinary`: the text
    tells of an incident, nothing in it says that an agent acted, and nothing is similar.
    """

    text: str
    id: str | UnsetType = UNSET
    date: date
    too_short: bool = False
    shows_fault: bool = True
    ordinary: bool = False


class PassageJson(Struct, kw_only=True):
    """Where the two meet: `text` stands in `section` of the record."""

    query_section: str
    query_text: str
    section: str
    text: str
    similarity: float | None


class ActionJson(Struct, kw_only=True):
    """What was promised; `open_at_query_date` is null where the closing day is not written."""

    id: str
    text: str
    state: str
    owner: str
    due: date | None
    closed: date | None
    open_at_query_date: bool | None


class RuledOutJson(Struct, kw_only=True):
    """What the record found not to be the cause, and by which evidence; that may be empty."""

    hypothesis: str
    evidence: str


class SharedFactsJson(Struct, kw_only=True):
    """All that is known of a record whose library shares facts and no text."""

    kind: str
    missing_control: str
    causes: tuple[str, ...]
    tools: tuple[str, ...]
    clocks: dict[str, datetime]


class MatchJson(Struct, kw_only=True):
    """One earlier record; `probability` of the same class, calibrated, 0 to 1.

    `probability` and `similarity` are null in an answer by words. `may_be_same`: both may tell of
    one incident. `ruled_out` are the hypotheses it rules out that the query names by its words.
    `library` says whose it is; of another library `shares` says how much of it may be read (public,
    all, external, facts), and `facts` stand where no text may; `address` is where on the web one of
    the casebook was told.
    """

    id: str
    library: str
    title: str
    date: date
    severity: str
    probability: float | None
    similarity: float | None
    classes: tuple[str, ...]
    reasons: tuple[str, ...]
    passages: list[PassageJson]
    verdict: str | UnsetType = UNSET
    actions: list[ActionJson]
    counterfactual: str
    form: str = ""
    may_be_same: bool = False
    ruled_out: list[RuledOutJson] = []
    shares: str | UnsetType = UNSET
    facts: SharedFactsJson | UnsetType = UNSET
    address: str | UnsetType = UNSET


class MissJson(Struct, kw_only=True):
    """A record that came close and stays below the bar."""

    id: str
    library: str
    title: str
    date: date
    probability: float | None
    similarity: float | None


class ProposedJson(Struct, kw_only=True):
    """A primary class for a draft that names none."""

    name: str = field(name="class")
    probability: float


class IndexJson(Struct, kw_only=True):
    """What was searched; `refreshed` counts files that were read anew first.

    `encoder` is null in an answer by words. `eligible` of the records are early enough and pass
    the filters. `unwritten` says why the index could not be written, and was made for this
    question alone; empty where it was.
    """

    records: int
    passages: int
    encoder: str | None
    refreshed: int
    stale: bool
    calibration: str
    eligible: int
    unwritten: str = ""


class CasebookJson(Struct, kw_only=True):
    """What was searched beside the library; `folder` holds the records of its matches."""

    folder: str
    records: int
    passages: int
    eligible: int


class StoreJson(Struct, kw_only=True):
    """What was searched in the organisation's store; `away` is why it did not answer, or empty.

    `left_out` records were ranked and could not be read.
    """

    address: str
    libraries: int
    records: int
    away: str
    left_out: int


class BesideJson(Struct, kw_only=True):
    """A library that was asked too; where `shares` is none, `note` says why it was not.

    `folder` holds the records of its matches, empty where they cannot be read; `commit` is what was
    fetched of a Git address.
    """

    name: str
    shares: str
    folder: str
    records: int
    passages: int
    eligible: int
    commit: str
    note: str


class AnswerJson(Struct, kw_only=True):
    """The whole answer, matches best first, those of other libraries among the library's own.

    `mode` is "vectors", or "words" where no encoder is here: then matches share rare words and have
    an order and no probability, and `words_only` says what gets vectors.
    """

    schema: str = SCHEMA
    mode: Literal["vectors", "words"] = "vectors"
    words_only: str | UnsetType = UNSET
    query: QueryJson
    nothing_similar: bool
    bar: float
    matches: list[MatchJson]
    nearest_misses: list[MissJson]
    proposed_class: ProposedJson | UnsetType = UNSET
    index: IndexJson
    casebook: CasebookJson | UnsetType = UNSET
    store: StoreJson | UnsetType = UNSET
    beside: list[BesideJson] | UnsetType = UNSET


def answer_json(answer: Answer) -> str:
    """The answer as one JSON object, indented, with a line end."""
    return msgspec.json.format(msgspec.json.encode(answer_value(answer))).decode() + "\n"


def answer_value(answer: Answer) -> dict[str, Any]:
    """The answer as plain JSON values; bytes of records that are no UTF-8 became U+FFFD."""
    whole = AnswerJson(
        mode="words" if answer.words_only else "vectors",
        words_only=answer.words_only or UNSET,
        query=QueryJson(
            text=answer.query_text,
            id=answer.query_id or UNSET,
            date=answer.query_date,
            too_short=answer.too_short,
            shows_fault=answer.shows_fault,
            ordinary=answer.ordinary,
        ),
        nothing_similar=answer.nothing_similar,
        bar=answer.bar,
        matches=[_match(match) for match in answer.matches],
        nearest_misses=[_fill(MissJson, match) for match in answer.nearest_misses],
        proposed_class=_fill(ProposedJson, answer.proposed_class)
        if answer.proposed_class
        else UNSET,
        index=_fill(IndexJson, answer.index),
        casebook=_fill(CasebookJson, answer.casebook) if answer.casebook else UNSET,
        store=_fill(StoreJson, answer.store) if answer.store else UNSET,
        beside=[_fill(BesideJson, one) for one in answer.beside] or UNSET,
    )
    value: dict[str, Any] = whole_value(msgspec.to_builtins(whole))
    return value


def answer_schema() -> dict[str, Any]:
    """The JSON Schema of the answer, generated from the types above."""
    return schema_of(AnswerJson)


def _match(match: Match) -> MatchJson:
    return MatchJson(
        id=match.id,
        library=match.library,
        title=match.title,
        date=match.date,
        severity=match.severity,
        probability=_short(match.probability),
        similarity=_short(match.similarity),
        classes=match.classes,
        reasons=match.reasons,
        passages=[_fill(PassageJson, pair) for pair in match.passages],
        verdict=match.verdict or UNSET,
        actions=[_fill(ActionJson, action) for action in match.actions],
        counterfactual=match.counterfactual,
        form=match.form,
        may_be_same=match.may_be_same,
        ruled_out=[_fill(RuledOutJson, found) for found in match.ruled_out],
        shares=match.shares or UNSET,
        facts=_fill(SharedFactsJson, match.facts) if match.facts else UNSET,
        address=match.address or UNSET,
    )


def _fill(kind: type[Any], value: object) -> Any:
    """A value of one of the types above from the attributes of the same names."""
    found = {name: getattr(value, name) for name in kind.__struct_fields__}
    return kind(**{k: _short(v) if isinstance(v, float) else v for k, v in found.items()})


def _short(number: float | None) -> float | None:
    """Four digits are more than a probability is good for."""
    return None if number is None else round(number, 4)
