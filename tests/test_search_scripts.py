"""Search in scripts without blanks between words, with an encoder that knows them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from kb.library import unread_library
from kb.search.bm25 import bag_of, tokens
from kb.search.evaluation.compare_encoders import compare_encoders, encoders_text
from kb.search.evaluation.evaluate import EvaluationRequest
from kb.search.find_similar import similar
from kb.search.indexed_records.passages import PASSAGE_WORDS, cut
from kb.search.query import query_from_text
from kb.search.render import show
from kb.sentences import sentences, word_count

from conftest import trust_settings
from search_library import STORIES, write_record, write_stories
from small_bert import write_small_bert

#: A refund that was paid twice, as three languages tell it, and what somebody asks of it.
TOLD = {
    "zh": (
        "退款机器人付了两次款",
        "工具超时以后，代理再次调用了退款接口。十四位客户收到两次退款！",
        "代理重复退款",
    ),
    "ja": (
        "返金が二重に支払われた",
        "タイムアウト後にエージェントが返金を再実行した。顧客は二回受け取った。",
        "返金の二重支払い",
    ),
    "th": (
        "ตัวแทนคืนเงินซ้ำสองครั้ง",
        "หลังจากหมดเวลาตัวแทนเรียกเครื่องมือคืนเงินอีกครั้ง ลูกค้าได้รับเงินสองครั้ง",
        "คืนเงินซ้ำ",
    ),
}
TODAY = date(2026, 11, 1)


@pytest.mark.parametrize("language", TOLD)
def test_a_question_without_blanks_has_words(language: str) -> None:
    title, text, asked = TOLD[language]
    shared = set(tokens(asked)) & set(tokens(f"{title} {text}"))
    assert len(bag_of([asked]).words) >= 3
    assert len(shared) >= 2


def test_letters_without_blanks_are_read_by_pairs_and_others_as_they_are() -> None:
    assert tokens("退款 API 两次") == ["api", "退款", "两次"]
    assert tokens("退") == ["退"]
    assert tokens("भुगतान दो बार") == ["भुगतान", "दो", "बार"]
    assert tokens("שָׁלוֹם Zoë") == ["שָׁלוֹם", "zoë"]


def test_chinese_sentences_end_without_a_blank() -> None:
    assert sentences("退款两次。谁批准的？！没有人」然后") == [
        "退款两次。",
        "谁批准的？！",
        "没有人」然后",
    ]


@pytest.mark.parametrize("language", TOLD)
def test_a_long_text_without_blanks_is_cut_and_loses_nothing(language: str) -> None:
    text = TOLD[language][1].replace(" ", "") * 40
    pieces = list(cut(text))
    assert len(pieces) > 1
    assert max(map(word_count, pieces)) <= PASSAGE_WORDS
    assert "".join(pieces).replace(" ", "").rstrip(".") == text


@pytest.fixture
def library_in_chinese(library_folder: Path) -> Path:
    """A library in Chinese beside English, with an encoder of its letters in a folder of it."""
    write_stories(library_folder)
    title, text, _ = TOLD["zh"]
    write_record(library_folder, "2025-05-01-refund-zh", title, summary=text, cause=text)
    known = [story[3] for story in STORIES] + [part for told in TOLD.values() for part in told]
    write_small_bert(library_folder / "models/small", known)
    write_small_bert(library_folder / "models/other", known, seed=1)
    (library_folder / "kb.toml").write_text('[search]\nmodel = "models/small"\n')
    return library_folder


@pytest.mark.model
def test_a_question_in_chinese_finds_the_record_in_chinese(library_in_chinese: Path) -> None:
    trust_settings(library_in_chinese)
    library = unread_library(library_in_chinese)
    answer = similar(library, query_from_text("代理重复退款，客户收到两次", TODAY), today=TODAY)
    assert not answer.too_short
    assert answer.index.encoder == "models/small"
    assert answer.matches[0].id == "2025-05-01-refund-zh"
    assert "too short" not in show(answer, today=TODAY, colour=False)


@pytest.mark.model
def test_encoders_stand_side_by_side_and_the_index_stays(library_in_chinese: Path) -> None:
    models = ("models/small", "models/other")
    tried = compare_encoders(EvaluationRequest(), models, library_in_chinese)
    assert [one.model for one in tried] == list(models)
    assert {one.found.queries for one in tried} == {7}
    assert tried[0].against_first == {}
    other, first = (one.found.systems["full"]["mrr"].value or 0.0 for one in reversed(tried))
    assert tried[1].against_first["mrr"].value == pytest.approx(other - first)
    assert tried[0].texts > 7
    assert "models/other" in encoders_text(tried)
    assert not (library_in_chinese / ".kb").exists()
