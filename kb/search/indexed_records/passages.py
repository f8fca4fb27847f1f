"""The passages that stand for a record: sections as short plain texts, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kb.records.record_files import MAX_SEARCHED_CHARACTERS
from kb.sentences import sentences
from kb.sentences import words as words_of

if TYPE_CHECKING:
    from kb.records.document import Document
    from kb.records.markdown import Line, SectionText

#: Words in one passage. The default encoder reads 256 tokens; 120 words of prose with the title
#: before them stay below that, and a quotation of this size can be read at a glance.
PASSAGE_WORDS = 120

#: What `kb similar --write` put into a record stands between these and is no text of the record.
PROPOSALS_START = "<!-- kb:similar start -->"
PROPOSALS_END = "<!-- kb:similar end -->"

_FENCE_MARK = re.compile(r"^[ \t]*(?:`{3,}|~{3,}).*$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_ADDRESS = re.compile(r"<?https?://[^\s>)]+>?")
_MARKUP = re.compile(
    r"[*`]+|(?<!\w)_+|_+(?!\w)|<[^<>\n]{1,200}>|^[ \t]*(?:#{1,6}|>|\|)[ \t]*", re.M
)
_BULLET = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+(?:\[[ xX-]\][ \t]+)?", re.MULTILINE)
_FIELD_KEY = re.compile(r"^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{4,}):[ \t]+", re.MULTILINE)
#: Evidence that says nothing in words: a closed answer, a number or a time, and what only keeps
#: the books of a record.
_BOOKKEEPING = re.compile(
    r"^[A-Z][A-Z0-9_]+:[ \t]*+(?:unknown|n/a|none|yes|no|partly|not-checked|trace|afterwards|"
    r"nowhere|logged|inferred|[\d./:% TZ+–-]++)?[.]?[ \t]*$"
    r"|^(?:FIRST_OF_CLASS|TOLD_US_AT|FIXTURE|PASSING_RUN|REPRODUCED|DETECTION_CHAIN_MINUTES):.*$",
    re.MULTILINE,
)
#: A line that is nothing but records' ids, addresses' remains, files and hashes. Each is taken
#: whole: 200 digits could be cut into hashes in more ways than can be tried.
_NAMES_ONLY = re.compile(
    r"^[ \t]*+(?:(?>[\w./-]+\.(?:md|jsonl?|ya?ml|html?)|\d{4}-\d\d-\d\d-[\w-]+|[0-9a-f]{7,64})"
    r"[\s,;.]*)++$",
    re.MULTILINE,
)
#: Words of evidence keys that stay in capitals when the key is made readable.
_ACRONYMS = frozenset({"LLM", "API", "DB", "UTC", "ID"})


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of one section. `section` is the heading it stands under, `text` is plain."""

    section: str
    text: str


def plain_text(markdown: str) -> str:
    """The words of a piece of Markdown: no marks, links, addresses or evidence keys in capitals."""
    text = _BOOKKEEPING.sub("", _FENCE_MARK.sub("", markdown))
    text = _ADDRESS.sub("", _LINK.sub(r"\1", text))
    text = _MARKUP.sub("", _BULLET.sub("", text))
    text = _FIELD_KEY.sub(lambda match: f"{_readable_key(match[1])}: ", _NAMES_ONLY.sub("", text))
    return re.sub(r"[ \t]+", " ", text).strip()


def _readable_key(key: str) -> str:
    """`LLM_SAYS_IT_DID` as "LLM says it did"."""
    words = [word if word in _ACRONYMS else word.lower() for word in key.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def record_passages(document: Document) -> tuple[Passage, ...]:
    """The passages of a record, in the order of the file; sections the form excludes are absent.

    They hold the first `MAX_SEARCHED_CHARACTERS`; of a record with more the checks say so.
    """
    return tuple(
        Passage(heading, text)
        for heading, markdown in _sections_within(
            _indexed_sections(document), MAX_SEARCHED_CHARACTERS
        )
        for text in cut(plain_text(markdown))
    )


def _sections_within(
    sections: Iterable[tuple[str, str]], characters: int
) -> Iterator[tuple[str, str]]:
    """The sections up to so many characters of them all."""
    for heading, markdown in sections:
        if characters <= 0:
            return
        yield heading, markdown[:characters]
        characters -= len(markdown)


def text_passages(text: str, section: str) -> tuple[Passage, ...]:
    """The passages of a text that is no record."""
    return tuple(Passage(section, piece) for piece in cut(plain_text(text)))


def embedded_text(title: str, passage: Passage) -> str:
    """What the encoder reads for a passage: the title carries the subject into every section."""
    return f"{title}. {passage.text}" if title else passage.text


def cut(text: str, words: int = PASSAGE_WORDS) -> Iterator[str]:
    """Pieces of at most `words` words, cut between sentences where there are any."""
    piece: list[str] = []
    for sentence in sentences(text):
        tokens = words_of(_closed(sentence))
        if piece and len(piece) + len(tokens) > words:
            yield _joined(piece)
            piece = []
        piece.extend(tokens)
        last = max(len(piece) - 1, 0) // words * words
        yield from (_joined(piece[at : at + words]) for at in range(0, last, words))
        piece = piece[last:]
    if piece:
        yield _joined(piece)


def _joined(words: list[str]) -> str:
    return "".join(words).rstrip()


def _closed(sentence: str) -> str:
    """A line that ends in nothing ends a sentence: items and evidence would run on otherwise."""
    text = sentence.strip()
    return f"{text}." if text[-1:].isalnum() or text[-1:] in {"]", ")", '"', "”", "’"} else text


def _indexed_sections(document: Document) -> Iterator[tuple[str, str]]:
    first = document.sections[0].line if document.sections else None
    lead = [line for line in document.lines if first is None or line.number < first]
    if document.is_adopted:
        lead = _without_old_front(lead)
    yield "", "\n".join(line.text for line in lead if not line.comment)
    for section in document.sections:
        if section.key is None:
            yield section.heading, section.text
        elif document.form.section(section.key).embedded:
            yield document.form.section(section.key).heading, own_words(section)


def _without_old_front(lead: list[Line]) -> list[Line]:
    """The lines below the fence in which `kb adopt` keeps the front matter a text came with."""
    text = [line for line in lead if line.text.strip()]
    is_kept = len(text) > 1 and text[0].fence == "text" and text[1].text.rstrip() in {"---", "+++"}
    if not is_kept:
        return lead
    end = next((line.number for line in text[1:] if line.is_mark), text[-1].number)
    return [line for line in lead if line.number > end]


def own_words(section: SectionText) -> str:
    """The text of a section without verdicts: other records' titles say nothing about this one."""
    if section.key != "counterfactual":
        return section.text
    from kb.records.action_and_prior_items import read_priors

    verdicts = {prior.line for prior in read_priors(section.lines)}
    kept = (line for line in section.lines if not line.comment and line.number not in verdicts)
    return "\n".join(line.text for line in kept)
