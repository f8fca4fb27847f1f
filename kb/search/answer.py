"""The frozen values of an answer, named as in its JSON (`answer_json`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kb.records.facts_without_text import RecordFacts
from kb.records.ruled_out import RuledOut

#: What `Match.library` says of an incident from the casebook that ships with kb.
CASEBOOK = "Casebook of public incidents"
#: What a library beside one's own shares: the casebook, all of its texts, signed external
#: editions, facts, or nothing.
PUBLIC, ALL, EXTERNAL, FACTS, NONE = "public", "all", "external", "facts", "none"


@dataclass(frozen=True, slots=True)
class PassagePair:
    """Where query and record meet: `text` of the record's section, `query_text` of the query's.

    `similarity` is a cosine, None in an answer by words.
    """

    query_section: str
    query_text: str
    section: str
    text: str
    similarity: float | None


@dataclass(frozen=True, slots=True)
class PromisedAction:
    """An action of the earlier record, with its state now and when the query's incident happened.

    `open_at_query_date` is None where the closing day is unknown, or the completion not public.
    """

    id: str
    text: str
    state: str
    owner: str
    due: date | None
    closed: date | None
    open_at_query_date: bool | None


@dataclass(frozen=True, slots=True)
class Match:
    """One earlier record. `probability` of the same class is calibrated, in 0…1.

    `similarity` is a cosine: best passages and whole texts in equal parts. Both are None in an
    answer by words. `verdict` is the author's, empty if there is none. `may_be_same`: so alike that
    both may tell of one incident. `ruled_out` are the hypotheses it rules out that the query names.
    `shares` says how much the library of a record beside one's own shares, empty for one's own;
    `facts` are all there is of a record of which no text is shared. `address` is where on the web
    one of the casebook was told.
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
    passages: tuple[PassagePair, ...]
    verdict: str
    actions: tuple[PromisedAction, ...]
    counterfactual: str
    form: str = ""
    may_be_same: bool = False
    ruled_out: tuple[RuledOut, ...] = ()
    shares: str = ""
    facts: RecordFacts | None = None
    address: str = ""


def open_item(match: Match) -> str:
    """A list item that asks for a verdict on a match, as far as its link."""
    return f"- [ ] [{match.id}]({match.address or f'{match.id}.md'})"


@dataclass(frozen=True, slots=True)
class ProposedClass:
    """A primary class for a draft that names none."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class LikelyPrior:
    """An earlier record that its author has to judge; `probability` is calibrated, 0…1."""

    id: str
    title: str
    probability: float
    reason: str


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What was searched. `refreshed`: files read anew; `stale`: a build is running.

    `encoder` is None in an answer by words. `eligible` of the records are early enough and pass
    the filters. `unwritten` says why the index was made for this question alone; empty where it
    lies on disk.
    """

    records: int
    passages: int
    encoder: str | None
    refreshed: int
    stale: bool
    calibration: str
    eligible: int = 0
    unwritten: str = ""


@dataclass(frozen=True, slots=True)
class BesideFacts:
    """A library beside one's own, and what of it was searched.

    `shares` is public (the casebook), all, external, facts or none. `folder` is where its records
    can be read, empty where they cannot, `commit` what was fetched of an address. `note` says in
    one line why it was not asked, or what to know of it.
    """

    name: str
    shares: str
    folder: str = ""
    records: int = 0
    passages: int = 0
    eligible: int = 0
    commit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What was searched in the organisation's store: records of other libraries.

    `own` is what the library that asked is called; matches of any other name are from the store.
    `away` says in one line why it did not answer, empty where it did. `left_out` records were
    ranked, and have other passages than those: where one would have been shown, all are left out.
    """

    address: str
    own: str
    libraries: int = 0
    records: int = 0
    away: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Matches best first, each above the bar; `nearest_misses` are what came closest below it.

    `beside` are the other libraries that were asked, or would not answer, and `store` the
    organisation's store; `library` of a match tells whose it is. `of_run`: a run asked, whose
    probabilities are an order and no more.
    `shows_fault` is False where that run's trace shows nothing that went wrong.
    `too_short`: so few words asked that probabilities mean nothing, and matches are an order as
    well. `filtered`: options narrowed it. `ordinary`: a text that tells of
    an incident and says of no agent that it acted, so that nothing is similar.
    `words_only` says in one line that no encoder is here and what gets one, empty where one is.
    """

    query_text: str
    query_id: str
    query_date: date
    bar: float
    matches: tuple[Match, ...]
    nearest_misses: tuple[Match, ...]
    proposed_class: ProposedClass | None
    index: IndexFacts
    beside: tuple[BesideFacts, ...] = ()
    of_run: bool = False
    shows_fault: bool = True
    too_short: bool = False
    filtered: bool = False
    ordinary: bool = False
    words_only: str = ""
    store: StoreFacts | None = None

    @property
    def casebook(self) -> BesideFacts | None:
        """The public incidents that ship with kb, where they were searched too."""
        return next((one for one in self.beside if one.name == CASEBOOK), None)

    @property
    def nothing_similar(self) -> bool:
        """Whether no record reaches the bar."""
        return not self.matches
