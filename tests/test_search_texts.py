"""Passages and words: what of a record is indexed, and how words are counted."""

from __future__ import annotations

import math
from pathlib import PurePath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kb.records.document import read_document
from kb.records.form import build_form
from kb.search.aligned_passages import excerpt
from kb.search.bm25 import K1, B, bag_of, build_postings, tokens
from kb.search.evaluation.dataset import mask, names_in
from kb.search.indexed_records.passages import PASSAGE_WORDS, cut, plain_text, record_passages
from kb.sentences import sentences

FORM = build_form()
TEXTS = (
    "the refund agent paid twice and paid again",
    "an injected comment leaked the token",
    "refund policies were invented by the bot",
    "nothing in common here",
)


def passages(markdown: str) -> dict[str, str]:
    document = read_document(markdown.encode(), PurePath("2026-01-01-x.md"), FORM)
    found: dict[str, str] = {}
    for passage in record_passages(document):
        found[passage.section] = f"{found.get(passage.section, '')} {passage.text}".strip()
    return found


def test_markup_links_and_addresses_are_no_words() -> None:
    markdown = "**Bold** [link](https://example.org/a) `code` https://example.org <b>x</b>"
    assert plain_text(markdown) == "Bold link code x"


def test_evidence_is_read_as_words_and_what_is_unknown_is_left_out() -> None:
    text = plain_text("```evidence\nCUSTOMER_SAW: a wrong rule\nWINDOW: unknown\n```")
    assert text == "Customer saw: a wrong rule"


def test_text_before_the_first_heading_belongs_to_the_record() -> None:
    assert passages("---\ntitle: T\n---\nBefore any heading.\n\n## Summary\n\nAfter.") == {
        "": "Before any heading.",
        "Summary": "After.",
    }


def test_action_items_are_not_indexed() -> None:
    assert "Action items" not in passages("## Summary\n\nx\n\n## Action items\n\n- [ ] A1: secret")


def test_titles_of_other_records_say_nothing_about_this_one() -> None:
    found = passages(
        "## Counterfactual\n\nOwn words.\n\n"
        "- [repeat] [2025-01-01-a](2025-01-01-a.md) — other words\n"
        "<!-- kb:similar start -->\n- [ ] [2025-01-02-b](2025-01-02-b.md) — more words\n"
        "<!-- kb:similar end -->\n"
    )
    assert found == {"Counterfactual": "Own words."}


@given(st.text(alphabet="ab .\n", max_size=2000))
def test_cutting_loses_no_word_and_makes_no_long_piece(text: str) -> None:
    pieces = list(cut(text))
    words = " ".join(pieces).replace(".", "").split()
    assert words == text.replace(".", "").split() or "." in text
    assert all(len(piece.split()) <= PASSAGE_WORDS for piece in pieces)


def test_words_are_lower_case_and_lose_their_endings() -> None:
    assert tokens("Refunds were Retried by sendEmail") == ["refund", "retri", "send", "email"]


def test_scores_are_those_of_the_bm25_formula() -> None:
    postings = build_postings([bag_of([text]) for text in TEXTS])
    found = postings.scores(bag_of(["refund policy"]))
    assert np.allclose(found, brute_force("refund policy", TEXTS), atol=1e-6)


def test_leaving_a_record_out_is_the_same_as_never_having_had_it() -> None:
    postings = build_postings([bag_of([text]) for text in TEXTS])
    found = np.delete(postings.scores(bag_of([TEXTS[0]]), without=0), 0)
    assert np.allclose(found, brute_force(TEXTS[0], TEXTS[1:]), atol=1e-6)


def test_postings_of_some_records_are_those_built_from_them() -> None:
    bags = [bag_of([text]) for text in TEXTS]
    some = build_postings(bags).only(np.array([0, 2]))
    rebuilt = build_postings([bags[0], bags[2]])
    query = bag_of(["refund bot token"])
    assert np.allclose(some.scores(query), rebuilt.scores(query))


@pytest.mark.parametrize("places", [[0, -1, 2], [-1, 0, 1, 2], [0, 2], [-1, -1], [0, 1, -1]])
def test_renewed_postings_are_those_built_from_nothing(places: list[int]) -> None:
    before = [bag_of([text]) for text in TEXTS[:3]]
    fresh = iter([bag_of(["Refund of a new token, refund"]), bag_of(["unheard of"])])
    bags = [before[place] if place >= 0 else next(fresh) for place in places]
    renewed, made = build_postings(before).renewed(np.array(places), bags), build_postings(bags)
    for name in ("words", "starts", "records", "counts", "lengths"):
        one, other = getattr(renewed, name), getattr(made, name)
        assert np.array_equal(one, other), name
        assert one.dtype == other.dtype, name


def test_an_empty_library_has_no_scores() -> None:
    assert len(build_postings([]).scores(bag_of(["refund"]))) == 0


def test_an_excerpt_starts_where_the_other_text_is_met_and_steers_no_terminal() -> None:
    text = "First nothing. Then \x1b[31mthe refund was paid twice. Then more of it."
    assert excerpt(text, "paid twice") == "… Then [31mthe refund was paid twice. Then more of it."


def test_masking_replaces_names_and_keeps_the_story() -> None:
    masked = mask("The bot of Acme Airways used gpt-4o and leaked api/keys to John Smith.")
    assert masked == "The bot of it used it and leaked it to it."


def brute_force(query: str, texts: tuple[str, ...]) -> list[float]:
    """BM25 as a share of the attainable, straight from the formula."""
    documents = [tokens(text) for text in texts]
    mean = sum(map(len, documents)) / len(documents)
    words = [word for word in dict.fromkeys(tokens(query)) if any(word in d for d in documents)]
    rarity = {}
    for word in words:
        holders = sum(word in document for document in documents)
        rarity[word] = math.log1p((len(documents) - holders + 0.5) / (holders + 0.5))
    attainable = sum(value * (K1 + 1) for value in rarity.values())
    scores = []
    for document in documents:
        length = K1 * (1 - B + B * len(document) / mean)
        parts = (
            rarity[word] * document.count(word) * (K1 + 1) / (document.count(word) + length)
            for word in words
            if word in document
        )
        scores.append(sum(parts) / (attainable or 1))
    return scores


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "In Mata v. Avianca they lost. They paid.",
            ["In Mata v. Avianca they lost.", "They paid."],
        ),
        ("See e.g. Smith. It ended.", ["See e.g. Smith.", "It ended."]),
        ("Issue No. 5 was closed. So was Fig. 2.", ["Issue No. 5 was closed.", "So was Fig. 2."]),
        ('It said "no." We asked.', ['It said "no."', "We asked."]),
        ("Release 1.84.0 of U.S. Mail, by J. Doe. Next.", None),
        ("one line\nand another", ["one line", "and another"]),
        ("", []),
    ],
)
def test_sentences_end_where_they_end(text: str, expected: list[str] | None) -> None:
    whole = [text.removesuffix(" Next."), "Next."]
    assert sentences(text) == (whole if expected is None else expected)


@given(st.text(alphabet="aA1 .!?\"')\n;v", max_size=60))
def test_sentences_lose_no_word(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_what_only_keeps_the_books_is_no_text() -> None:
    lines = (
        "LLM_SAYS_IT_DID: it paid",
        "HELD: no",
        "FIRST_OF_CLASS: yes",
        "TOLD_US_AT: 2026-01-02 10:00 UTC",
        "DEDUPE_AT_API_LAYER: yes, by order",
        "- [2025-01-01-abc](2025-01-01-abc.md)",
        "- fixtures/run.json",
    )
    kept = [line for line in plain_text("\n".join(lines)).splitlines() if line]
    assert kept == ["LLM says it did: it paid", "Dedupe at API layer: yes, by order"]


def test_names_are_masked_at_the_beginning_of_a_sentence_too() -> None:
    text = "Replit deleted a table. The table held orders. We asked Replit. Orders are back."
    masked = mask(text, names_in([text]))
    assert "Replit" not in masked
    assert masked.startswith("it deleted a table. The table held orders.")
    assert masked.endswith("Orders are back.")
