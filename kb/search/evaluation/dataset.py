"""What is evaluated: the published records of a library, or the lines of a JSONL file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePath

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from kb.errors import KbError
from kb.library import Library, load_document, record_files
from kb.records.document import read_document
from kb.records.form import Form
from kb.safe_files import read_named
from kb.search.bm25 import bag_of, tokens, written_words
from kb.search.encoder.encoder import Vectors
from kb.search.index.build_index import lexical_texts
from kb.search.index.index import Index
from kb.search.indexed_records.collection import Collection, build_collection, collection_of
from kb.search.indexed_records.entry import IndexedRecord, blank_entry, read_entry
from kb.search.indexed_records.passages import Passage, embedded_text, plain_text, record_passages
from kb.search.ranking.cosine_likeness import Question
from kb.search.ranking.learn import TrainingInputs
from kb.sentences import words

_NAME = re.compile(
    r"(?<![.!?:]\s)(?<!^)\b[A-Z][\w’'-]*(?:\s+[A-Z][\w’'-]*)*"  # capitals inside a sentence
    r"|\b\w*[a-z][A-Z]\w*\b"  # camelCase
    r"|\b(?=[\w.-]*[A-Za-z])(?=[\w.-]*\d)[\w.-]*\w"  # letters and digits: versions, models, hashes
    r"|\b[\w.-]+/[\w./-]+",  # repositories and paths
    re.MULTILINE,
)
_LONGEST = 200_000
#: A word with a capital at the beginning of a sentence, and inside one; a word without.
_FIRST = re.compile(r"(?:(?<=[.!?:]\s)|^)[A-Z][\w’'-]*", re.MULTILINE)
_INSIDE = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][\w’'-]*", re.MULTILINE)
_SMALL = re.compile(r"\b[a-z][\w’'-]*")
#: Words that are written with capitals and name no one.
_COMMON = frozenset(
    {"I", "AI", "API", "APIs", "CI", "HTTP", "JSON", "LLM", "LLMs", "SQL", "URL", "UTC"}
)


def names_in(texts: Iterable[str]) -> frozenset[str]:
    """Words of some texts that are names wherever they stand, a sentence's beginning included.

    A capital says nothing there. Such a word is a name if the texts write it with one inside
    sentences more often than without, or never without.
    """
    inside, small, first = Counter[str](), Counter[str](), set[str]()
    for text in texts:
        inside.update(_INSIDE.findall(text[:_LONGEST]))
        small.update(_SMALL.findall(text[:_LONGEST]))
        first.update(word for word in _FIRST.findall(text[:_LONGEST]) if written_words(word))
    names = {word for word in first if inside[word] > small[word.lower()]}
    return frozenset(names | {word for word in first if not small[word.lower()]}) - _COMMON


def mask(text: str, names: frozenset[str] = frozenset()) -> str:
    """The text with what looks like a name replaced by `it`; `names` at a sentence's beginning."""
    text = _FIRST.sub(lambda match: "it" if match[0] in names else match[0], text[:_LONGEST])
    return _NAME.sub(lambda match: match[0] if match[0] in _COMMON else "it", text)


#: Words of the text, after the title, that a record asks with.
QUERY_WORDS = 60
_BOM = b"\xef\xbb\xbf"

Embed = Callable[[Sequence[str]], Vectors]


class CorpusLine(Struct, frozen=True):
    """One line of a JSONL file; `labels` are what makes two records alike.

    `stratum` groups foreign texts: "near" where they share the words of incidents.
    """

    id: str
    text: str
    title: str = ""
    labels: tuple[str, ...] = ()
    date: str | None = None
    stratum: str = "far"


#: A million labelled texts.
_MAX_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Subject:
    """A collection to evaluate, with what each record asks; both in the same order.

    `taught` is what classes and curve are fitted with.
    """

    collection: Collection
    questions: tuple[Question, ...]
    taught: TrainingInputs

    def only(self, keep: NDArray[np.int64]) -> Subject:
        """The subject of some of its records, in the order of `keep`."""
        return Subject(
            self.collection.only(keep),
            tuple(self.questions[place] for place in keep),
            self.taught.only(keep),
        )


def read_lines(path: Path) -> tuple[CorpusLine, ...]:
    """The lines of a JSONL file.

    Raises `KbError` naming the first line that is not what it should be.
    """
    try:
        rows = read_named(path, _MAX_BYTES).removeprefix(_BOM).splitlines()
    except OSError as error:
        raise KbError(
            f"cannot be read: {error.strerror or error}", where=str(path), todo="Check the path."
        ) from error
    return tuple(_line(path, number, row) for number, row in enumerate(rows, 1) if row.strip())


def _line(path: Path, number: int, row: bytes) -> CorpusLine:
    try:
        return msgspec.json.decode(row, type=CorpusLine)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise KbError(
            f"{error}",
            where=f"{path}:{number}",
            todo="Each line is an object with id, title, text, labels and, if known, date.",
        ) from error


def subject_from_lines(
    lines: Sequence[CorpusLine], form: Form, embed: Embed, *, full: bool, masked: bool
) -> Subject:
    """The lines as records; embeds everything. Lines without a word are left out: all are alike."""
    lines = [line for line in lines if tokens(f"{line.title} {line.text}")]
    names = names_in([f"{line.title}. {line.text}" for line in lines]) if masked else frozenset()
    passages = [_passages(line, form) for line in lines]
    texts = [
        embedded_text(line.title, passage)
        for line, group in zip(lines, passages, strict=True)
        for passage in group
    ]
    vectors = embed(texts)
    ends = np.cumsum([len(group) for group in passages])
    bags = [bag_of([ln.title, *(p.text for p in g)]) for ln, g in zip(lines, passages, strict=True)]
    rows = [vectors[end - len(group) : end] for end, group in zip(ends, passages, strict=True)]
    entries = [_entry(line) for line in lines]
    collection = build_collection(entries, rows, bags, vectors.shape[1])
    asked = [
        _masked(query_text(line.title, line.text, full=full), names, masked=masked)
        for line in lines
    ]
    firsts = tuple(embedded_text(ln.title, g[0]) for ln, g in zip(lines, passages, strict=True))
    taught = TrainingInputs(firsts, bags.__getitem__)
    return Subject(collection, questions_from(asked, embed), taught)


def subject_from_index(index: Index, embed: Embed, *, full: bool, masked: bool) -> Subject:
    """The published records of an index; only what they ask is embedded."""
    generation = index.generation
    keep = [place for place, entry in enumerate(index.entries) if entry.is_candidate]
    groups = [[generation.passage(row) for row in _range(generation.rows(p))] for p in keep]
    collection = build_collection(
        [index.entries[place] for place in keep],
        [generation.collection.vectors[generation.rows(place)] for place in keep],
        [generation.bag(place) for place in keep],
        generation.manifest.dimension,
    )
    return _asking(collection, groups, embed, full=full, masked=masked)


def subject_from_library(library: Library, embed: Embed, *, full: bool, masked: bool) -> Subject:
    """The same from the files of a library, everything embedded; no index is opened or made."""
    files = (load_document(f, library.form, library.root) for f in record_files(library.folder))
    found = [pair for pair in map(read_entry, files) if pair and pair[0].is_candidate]
    groups = [list(passages) for _, passages in found]
    vectors = embed([embedded_text(entry.title, p) for entry, group in found for p in group])
    collection = collection_of(
        [entry for entry, _ in found],
        vectors,
        [len(group) for group in groups],
        [bag_of(lexical_texts(entry, passages)) for entry, passages in found],
    )
    return _asking(collection, groups, embed, full=full, masked=masked)


def _asking(
    collection: Collection,
    groups: Sequence[Sequence[Passage]],
    embed: Embed,
    *,
    full: bool,
    masked: bool,
) -> Subject:
    """Records of these passages with what each asks; only that is embedded."""
    titles = [entry.title for entry in collection.entries]
    bodies = [" ".join(passage.text for passage in group) for group in groups]
    pairs = list(zip(titles, bodies, strict=True))
    names = names_in([f"{title}. {body}" for title, body in pairs]) if masked else frozenset()
    asked = [_masked(query_text(*pair, full=full), names, masked=masked) for pair in pairs]
    firsts = tuple(
        embedded_text(title, group[0]) if group else title
        for title, group in zip(titles, groups, strict=True)
    )
    bags = [bag_of([title, *(p.text for p in g)]) for title, g in zip(titles, groups, strict=True)]
    taught = TrainingInputs(firsts, bags.__getitem__)
    return Subject(collection, questions_from(asked, embed), taught)


def questions_from(texts: Sequence[str], embed: Embed) -> tuple[Question, ...]:
    """Plain texts as questions without facets."""
    vectors = embed(texts)
    return tuple(
        Question(vectors[place : place + 1], bag_of([text])) for place, text in enumerate(texts)
    )


def query_text(title: str, body: str, *, full: bool) -> str:
    """What a record asks: its title and first words, or all of it."""
    found = words(plain_text(body))
    return f"{title}. {''.join(found if full else found[:QUERY_WORDS]).rstrip()}"


def _masked(text: str, names: frozenset[str], *, masked: bool) -> str:
    return mask(text, names) if masked else text


def _passages(line: CorpusLine, form: Form) -> tuple[Passage, ...]:
    document = read_document(line.text.encode(), PurePath(f"{_safe(line.id)}.md"), form)
    return record_passages(document) or (Passage("", line.title),)


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]", "-", name) or "record"


def _entry(line: CorpusLine) -> IndexedRecord:
    """A line as an entry: labels are classes, and nothing else is stated."""
    day = date(2000, 1, 1)  # dates play no part in an evaluation
    return blank_entry(line.id, line.title, day, classes=tuple(dict.fromkeys(line.labels)))


def _range(rows: slice) -> range:
    return range(rows.start, rows.stop)
