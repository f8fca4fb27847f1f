"""Rules on front matter: keys, types and words the form knows."""

from __future__ import annotations

from collections.abc import Iterator

from kb.lint.readings.document_facts import quoted, what_to_write
from kb.lint.readings.front_matter_types import is_blank, place, type_faults
from kb.lint.rule import Finding, LintContext, rule
from kb.records.document import Document
from kb.records.front_matter import MappingEntry, Node
from kb.records.front_matter_keys import KeyType, may_be_unknown, required


def at_entry(entry: MappingEntry, message: str) -> Finding:
    """A finding that underlines a key."""
    return Finding(entry.line, message, entry.column, len(entry.key))


def _scalars(node: Node) -> tuple[Node, ...]:
    return tuple(item for item in (node.items or (node,)) if item.text)


@rule(
    "KB110",
    "missing-key",
    reason="What a record does not state cannot be searched, counted or gated: an incident "
    "without a class is invisible to the next author who has the same one.",
    bad="title: Refund agent paid twice\nstatus: published",
    good="title: Refund agent paid twice\ndate: 2026-04-12\nstatus: published\nseverity: SEV2",
)
def missing_key(document: Document, _: LintContext) -> Iterator[Finding]:
    """One finding that names them all: they are filled in together."""
    front = document.front
    if not front.present or any(f.name in {"yaml-syntax", "too-large"} for f in front.faults):
        return
    missing = [
        name for name in required(document.front, document.profile) if is_blank(front.get(name))
    ]
    if missing:
        status = front.text("status")
        which = f"a record with status {quoted(status)}" if status else "every record"
        yield Finding(1, f"{which} needs: {', '.join(missing)}")


@rule(
    "KB111",
    "wrong-type",
    reason="A cost of 'about 4k' or a class outside a list is dropped by everything that counts.",
    bad="cost_usd: about 4k\nclasses: duplicate-side-effect",
    good="cost_usd: 4200\nclasses: [duplicate-side-effect]",
)
def wrong_type(document: Document, _: LintContext) -> Iterator[Finding]:
    """Values that are not what the key table asks for."""
    yield from type_faults(document)


@rule(
    "KB112",
    "unknown-key",
    reason="A mistyped key is a fact that nothing reads: the gate of 'routee' guards no route.",
    bad="severty: SEV2",
    good="severity: SEV2",
)
def unknown_key(document: Document, _: LintContext) -> Iterator[Finding]:
    """Keys the table does not have, at the top and inside its groups."""
    for entry, row, siblings in document.entries:
        if row is None:
            advice = what_to_write(entry.key, [key.name for key in siblings])
            yield at_entry(entry, f"unknown key {quoted(entry.key)}; {advice}")


@rule(
    "KB113",
    "unknown-word",
    reason="Two spellings of one failure class are two classes, and the repeat between them is "
    "never seen.",
    bad="classes: [double-side-effect]",
    good="classes: [duplicate-side-effect]",
)
def unknown_word(document: Document, context: LintContext) -> Iterator[Finding]:
    """Words outside the closed lists, in front matter."""
    for entry, row, _ in document.entries:
        if row is None or not row.taxonomy:
            continue
        known = [word.name for word in context.form.taxonomies[row.taxonomy]]
        for node in _scalars(entry.value):
            word = (node.text or "").strip()
            if word not in known and not (word == "unknown" and row.unknown):
                advice = what_to_write(word, known)
                yield place(node, f"unknown word {quoted(word)} in '{entry.key}'; {advice}")


@rule(
    "KB114",
    "unknown-left",
    reason="In the team's own record an 'unknown' nobody resolved is a question the review should "
    "have asked; what published sources do not say may stay unknown.",
    bad="status: in-review\norigin: own\nmissing_control: unknown",
    good="status: in-review\norigin: own\nmissing_control: idempotency-key",
)
def unknown_left(document: Document, _: LintContext) -> Iterator[Finding]:
    """`unknown` where only drafts and public records may leave it."""
    for entry, row, _siblings in document.entries:
        if row is None or row.unknown != "early" or may_be_unknown(row, document.front):
            continue
        if (entry.value.text or "").strip() == "unknown":
            message = f"'{entry.key}' is still unknown; find it out before review, and write it"
            yield place(entry.value, message)


@rule(
    "KB115",
    "kind-against-impact",
    reason="Near misses are measured apart from incidents; a record that is one by its kind and "
    "the other by its impact falsifies both counts.",
    bad="kind: near-miss\nimpact: customer-visible",
    good="kind: near-miss\nimpact: near-miss",
)
def kind_against_impact(document: Document, _: LintContext) -> Iterator[Finding]:
    """`kind: near-miss` without `impact: near-miss`, or the other way round."""
    kind, impact = document.front.get("kind"), document.front.get("impact")
    if kind is None or impact is None or not (kind.text and impact.text):
        return
    if kind.text == "near-miss" and impact.text != "near-miss":
        yield place(impact, f"a near miss has 'impact: near-miss', not {quoted(impact.text)}")
    elif impact.text == "near-miss" and kind.text != "near-miss":
        yield place(
            kind, f"'impact: near-miss' goes with 'kind: near-miss', not {quoted(kind.text)}"
        )


@rule(
    "KB116",
    "repeated-word",
    reason="The first class is the primary one; a word twice in the list leaves the order in "
    "doubt and counts the record twice.",
    bad="classes: [prompt-injection, data-exfiltration, prompt-injection]",
    good="classes: [prompt-injection, data-exfiltration]",
)
def repeated_word(document: Document, _: LintContext) -> Iterator[Finding]:
    """The same entry twice in one list."""
    for entry, row, _siblings in document.entries:
        if row is None or row.type not in {KeyType.WORDS, KeyType.TEXTS}:
            continue
        seen: set[str] = set()
        for item in entry.value.items:
            if item.text and item.text in seen:
                yield place(item, f"{quoted(item.text)} stands twice in '{entry.key}'; drop one")
            seen.add(item.text or "")
