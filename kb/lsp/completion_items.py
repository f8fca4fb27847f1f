"""Completion: keys of the front matter, closed words, evidence keys, records, words used before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lsprotocol import types

from kb.lsp.hover import key_words, word_words
from kb.lsp.open_record import OpenRecord
from kb.records.action_and_prior_items import PRIOR_TO_FILL
from kb.records.document import Document
from kb.records.form_sections import Section
from kb.records.front_matter_keys import KEYS, Key, KeyType, may_be_unknown
from kb.terminal import visible

#: What makes a client ask.
TRIGGERS = (":", " ", "[", "(", ",", "#", "@", "-")
#: Records offered at once; the list goes on while one types.
_MOST_RECORDS = 100
_KEY = re.compile(r"(?P<indent>[ ]*)(?P<word>[\w]*)$")
_VALUE = re.compile(r"(?P<indent>[ ]*)(?:-[ ]+)?(?P<key>\w+)[ ]*:(?P<rest>.*)$")
_INNER = re.compile(r"(?:^|[{,])[ ]*(?P<key>\w+)[ ]*:[ ]*(?P<word>[^,{}]*)$")
_LAST_WORD = re.compile(r"(?P<word>[^\s,\[\]{}\"']*)$")
_ITEM = re.compile(r"[ ]*-[ ]+(?P<word>\S*)$")
_EVIDENCE_KEY = re.compile(r"[ \t]*(?:[-*+][ ]+)?(?P<word>[A-Z][A-Z_]*|)$")
_EVIDENCE_VALUE = re.compile(
    r"[ \t]*(?:[-*+][ ]+)?(?P<key>[A-Z][A-Z_]+)[ ]*:[ ]*(?P<word>[\w/-]*)$"
)
_HEADING = re.compile(r"#{1,6}[ ]*(?P<word>.*)$")
_VERDICT = re.compile(r"[ \t]*[-*+][ ]+\[(?P<word>[a-z]*)$")
_PRIOR = re.compile(r"[ \t]*[-*+][ ]+\[[^\]]*\][ ]+\[?(?P<word>[\w-]*)$")
_TAG = re.compile(r"[ \t]*[-*+][ ]+\d{4}-.*\[(?P<word>[a-z-]*)$")
_ATTRIBUTE = re.compile(r"(?:—|–|--|,)[ ]*(?P<key>\w+):[ ]*(?P<word>[^,]*)$")
_ATTRIBUTE_KEY = re.compile(r"[ \t]*[-*+][ ]+\[[ xX-]\].*(?:—|–|--|,)[ ]+(?P<word>[a-z]*)$")
_ATTRIBUTES = {
    "owner": "who answers for it",
    "due": "by which day, as 2026-05-31",
    "lever": "what kind of change it is",
    "cause": "the cause of this record it removes",
    "gate": "what may not happen before it is done",
    "replay": "the record whose run has to pass before the gate opens",
    "watch": "for how many days it is watched after it is done, as 30d",
    "tracker": "its ticket",
    "ran": "a day on which the route ran while it was watched",
    "verified": "who saw that it works, as 2026-06-01 by @handle",
}


@dataclass(frozen=True)
class _Offer:
    """One thing to complete to. `text` is what is written, where that is more than `label`."""

    label: str
    detail: str = ""
    documentation: str = ""
    text: str = ""
    kind: types.CompletionItemKind = types.CompletionItemKind.Value


def completions(record: OpenRecord, position: types.Position) -> types.CompletionList:
    """What may stand at a position, in the order of the form."""
    line, column = record.line_at(position), record.column_at(position)
    before = record.document.source_line(line)[:column]
    find = _in_front_matter if record.is_in_front_matter(line) else _in_body
    word, offers, is_whole = find(record, line, before)
    start = record.places.offset(position) - len(word)
    span = record.places.span(start, start + len(word))
    items = [_item(offer, span, place) for place, offer in enumerate(offers)]
    return types.CompletionList(is_incomplete=not is_whole, items=items)


def _item(offer: _Offer, span: types.Range, place: int) -> types.CompletionItem:
    return types.CompletionItem(
        label=visible(offer.label),
        kind=offer.kind,
        detail=visible(offer.detail) or None,
        documentation=types.MarkupContent(types.MarkupKind.Markdown, offer.documentation)
        if offer.documentation
        else None,
        sort_text=f"{place:04}",
        filter_text=offer.label,
        text_edit=types.TextEdit(span, offer.text or offer.label),
    )


_Found = tuple[str, Sequence[_Offer], bool]
_NOTHING: _Found = ("", (), True)


def _in_front_matter(record: OpenRecord, line: int, before: str) -> _Found:
    group = _group_at(record.document, line, before)
    siblings = group.keys if group else KEYS
    if match := _KEY.fullmatch(before):
        if bool(match["indent"]) == bool(group):
            return match["word"], list(_keys(record, siblings, group)), True
        return _NOTHING
    if match := _ITEM.fullmatch(before):
        row = _key_above(record.document, line)
        return match["word"], _values(record, row, ""), True
    if (match := _VALUE.fullmatch(before)) is None:
        return _NOTHING
    row = next((key for key in siblings if key.name == match["key"]), None)
    prefix = f"{group.name}." if group else ""
    if row is not None and row.keys and (inner := _INNER.search(match["rest"])):
        inside = next((key for key in row.keys if key.name == inner["key"]), None)
        return inner["word"], _values(record, inside, f"{row.name}."), True
    word = _LAST_WORD.search(match["rest"])
    return word["word"] if word else "", _values(record, row, prefix), True


def _group_at(document: Document, line: int, before: str) -> Key | None:
    """The group an indented line belongs to."""
    if not before[:1].isspace():
        return None
    row = _key_above(document, line)
    return row if row is not None and row.type is KeyType.GROUP else None


def _key_above(document: Document, line: int) -> Key | None:
    """The top-level key whose block a line stands in."""
    for number in range(line - 1, document.front.first_line - 1, -1):
        match = re.match(r"(\w+)[ ]*:", document.source_line(number))
        if match:
            return next((key for key in KEYS if key.name == match[1]), None)
    return None


def _keys(record: OpenRecord, rows: Iterable[Key], group: Key | None) -> Iterator[_Offer]:
    front = record.document.front
    for row in rows:
        name = f"{group.name}.{row.name}" if group else row.name
        if front.get(name) is None:
            yield _Offer(
                row.name,
                row.description,
                key_words(row),
                f"{row.name}: ",
                types.CompletionItemKind.Property,
            )


def _values(record: OpenRecord, row: Key | None, prefix: str) -> Sequence[_Offer]:
    if row is None:
        return ()
    offers: list[_Offer] = []
    if row.taxonomy:
        words = record.view.library.form.taxonomies[row.taxonomy]
        offers += [
            _Offer(w.name, w.definition, word_words(w), kind=types.CompletionItemKind.EnumMember)
            for w in words
        ]
    used = record.view.used.get(f"{prefix}{row.name}", ())
    offers += [_Offer(_yaml(text), "used before") for text in used[:_MOST_RECORDS]]
    if may_be_unknown(row, record.document.front):
        offers.append(_Offer("unknown", "not known, and said so"))
    return offers


def _yaml(text: str) -> str:
    """A value as YAML takes it: a handle begins with a character that means something there."""
    return text if re.fullmatch(r"[\w][\w ./-]*", text) else '"' + text.replace('"', "'") + '"'


def _in_body(record: OpenRecord, line: int, before: str) -> _Found:
    if match := _HEADING.fullmatch(before):
        return match["word"], list(_headings(record)), True
    section = record.section_at(line)
    row = record.view.library.form.section(section.key) if section and section.key else None
    if row is None:
        return _NOTHING
    finders = (_FINDERS.get(row.key), _evidence)
    for find in finders:
        found = find(record, row, before) if find else None
        if found is not None:
            return found
    return _NOTHING


def _headings(record: OpenRecord) -> Iterator[_Offer]:
    there = {section.key for section in record.document.sections}
    for section in record.view.library.form.sections:
        if section.key not in there:
            yield _Offer(section.heading, section.prompt, kind=types.CompletionItemKind.Module)


def _evidence(record: OpenRecord, row: Section, before: str) -> _Found | None:
    if match := _EVIDENCE_VALUE.fullmatch(before):
        field = row.field(match["key"])
        words = field.words if field else ()
        return match["word"], [_Offer(word) for word in words], True
    match = _EVIDENCE_KEY.fullmatch(before)
    if not match or not row.fields:
        return None
    section = record.document.section(row.key)
    there = {field.key for field in section.fields} if section else set()
    groups = row.group_key is not None
    return (
        match["word"],
        [
            _Offer(f.key, f.prompt, text=f"{f.key}: ", kind=types.CompletionItemKind.Field)
            for f in row.fields
            if f.many or groups or f.key not in there
        ],
        True,
    )


def _of_counterfactual(record: OpenRecord, _: Section, before: str) -> _Found | None:
    if match := _VERDICT.fullmatch(before):
        words = record.view.library.form.taxonomies["verdict"]
        return match["word"], [_Offer(w.name, w.definition, word_words(w)) for w in words], True
    match = _PRIOR.fullmatch(before)
    if not match:
        return None
    opened = before.endswith("[" + match["word"])
    return _records(record, match["word"], "" if opened else "[")


def _records(record: OpenRecord, word: str, opening: str) -> _Found:
    """The other records whose id or title has the words, later ones first."""
    parts = [part for part in word.lower().split("-") if part]
    found = []
    for card in reversed(tuple(record.view.by_id.values())):
        searched = f"{card.id} {card.title}".lower()
        if card.id != record.document.id and all(part in searched for part in parts):
            text = f"{opening}{card.id}]({card.id}.md) — {PRIOR_TO_FILL}"
            kind = types.CompletionItemKind.Reference
            found.append(_Offer(card.id, card.title, text=text, kind=kind))
    return word, found[:_MOST_RECORDS], len(found) <= _MOST_RECORDS


def _of_timeline(record: OpenRecord, _: Section, before: str) -> _Found | None:
    match = _TAG.fullmatch(before)
    if not match:
        return None
    words = record.view.library.form.taxonomies["timeline_tag"]
    return match["word"], [_Offer(w.name, w.definition, word_words(w)) for w in words], True


def _of_actions(record: OpenRecord, _: Section, before: str) -> _Found | None:
    if match := _ATTRIBUTE.search(before):
        return match["word"], list(_attribute_values(record, match["key"])), True
    match = _ATTRIBUTE_KEY.fullmatch(before)
    if not match:
        return None
    offers = [_Offer(key, what, text=f"{key}: ") for key, what in _ATTRIBUTES.items()]
    return match["word"], offers, True


def _attribute_values(record: OpenRecord, key: str) -> Iterator[_Offer]:
    if key == "owner":
        yield from (_Offer(text, "used before") for text in record.view.used["owners"])
    if key == "cause":
        yield from (_Offer(text) for text in record.document.front.texts("causes"))
    for word in record.view.library.form.taxonomies.get(key, ()) if key in _ATTRIBUTES else ():
        yield _Offer(word.name, word.definition, word_words(word))


_FINDERS: dict[str, Callable[[OpenRecord, Section, str], _Found | None]] = {
    "counterfactual": _of_counterfactual,
    "timeline": _of_timeline,
    "actions": _of_actions,
}
