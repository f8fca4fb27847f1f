"""Readers of untrusted text do work that grows as the text does: calls and steps are counted.

Each case is written once and twice as long. A function of ours that is called more than three times
as often, or a pattern that tries more than three times as much, is quadratic or worse.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import PurePath
from types import FrameType
from typing import Any

import kb
import pytest
from kb.config import CheckConfig
from kb.lazy_regex import LatePattern
from kb.lint.fmt.actions import task_edits
from kb.lint.fmt.formatter import edits, formatted
from kb.lint.rule import MOST_FINDINGS, LintContext
from kb.lint.runner import claims, find, outlines
from kb.records.action_and_prior_items import read_items
from kb.records.document import Document, read_document
from kb.records.form import build_form
from kb.records.postmortem import interpret
from kb.search.indexed_records.passages import cut, plain_text, record_passages
from kb.sensitive.names.find_names import PERSON, NameIndex, PrivateName
from kb.terminal import plain
from kb.traces.checkup.run_facts import facts
from kb.traces.render import View, timeline
from kb.traces.run import Run

from backtracking import growing
from conftest import EXAMPLE, ROOT
from runs_made import agent, failed, made_run, user, write

FORM = build_form()
FRONT, _, _ = EXAMPLE.read_text(encoding="utf-8").partition("\n---\n")


def document(front: str = "", body: str = "") -> Document:
    text = f"{FRONT}\n{front}---\n\n{body}"
    return read_document(text.encode(), PurePath("postmortems/2026-01-03-x.md"), FORM)


def context(of: Document) -> LintContext:
    return LintContext(
        form=FORM,
        settings=CheckConfig(),
        today=date(2026, 6, 1),
        root=PurePath("/nowhere"),
        records=outlines([of]),
        paths_of=claims([of]),
    )


def read(text: Document) -> None:
    _ = text.actions, text.unboxed, text.timeline, text.priors, text.allowances, text.entries
    interpret(text)


def check(text: Document) -> None:
    find([text], context(text))


def fmt(text: Document) -> None:
    formatted(text, context(text))


def passages(text: Document) -> None:
    record_passages(text)


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, those in C included."""
    count = 0

    def seen(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def steps(work: Callable[[], object]) -> int:
    """How many instructions of Python the work takes after a first time, which fills caches."""
    count = 0

    def step(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return step

    work()
    before = sys.gettrace()
    sys.settrace(step)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def numbered(line: str, count: int) -> str:
    return "".join(line.replace("%d", str(n)) for n in range(count))


FRONTS = {
    "unknown keys": "key%d: x\n",
    "one key": "key: x\n",
    "comments": "# kb: allow rule%d — why\n",
}
BODIES = {
    "bare rows": ("Idempotency", "TOOL: x%d\n"),
    "repeated headings": ("Summary", "## Summary\n\nx\n"),
    "unknown headings": ("Summary", "## Heading %d\n\nx\n"),
    "actions": ("Action items", "- [ ] do thing %d — owner: t, due: 2026-99-01, lever: foo\n"),
    "one label": ("Action items", "- [ ] A1: do thing %d — lever: code, owner: t\n"),
    "items without box": ("Action items", "- A%d: do thing — owner: t\n"),
    "continued item": ("Action items", "  word %d\n"),
    "timeline": ("Timeline", "- 2026-01-03 12:00+02:00 — thing %d [tag]\n"),
    "priors": ("Counterfactual", "- [repeat] [a](2026-01-01-x%d.md) — same\n"),
    "people judged": ("Summary", "The engineer failed to check %d.\n\n"),
    "links": ("Summary", "[a%d](b) [c\n"),
}


@pytest.mark.parametrize("work", [read, check])
@pytest.mark.parametrize("name", FRONTS)
def test_front_matter_is_read_once(name: str, work: Callable[[Document], None]) -> None:
    texts = [document(front=numbered(FRONTS[name], n)) for n in (150, 300)]
    once, twice = (calls(lambda text=text: work(text)) for text in texts)  # type: ignore[misc]
    assert twice < 3 * once


@pytest.mark.parametrize("work", [read, check, fmt, passages])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_read_once(name: str, work: Callable[[Document], None]) -> None:
    heading, line = BODIES[name]
    texts = [document(body=f"## {heading}\n\n- [ ] x\n{numbered(line, n)}") for n in (100, 200)]
    once, twice = (calls(lambda text=text: work(text)) for text in texts)  # type: ignore[misc]
    assert twice < 3 * once


def test_a_continued_item_copies_no_list() -> None:
    text = document(body="## Action items\n\n- [ ] A1: x\n" + "  word\n" * 1000)
    (item,) = read_items(text.sections[0].lines)
    assert item.text.count("\n") == 1000
    made = sys.getsizeof(item)
    assert made < 1000


def test_a_rule_stops_at_a_thousand_findings_and_says_so() -> None:
    text = document(front=numbered("key%d: x\n", MOST_FINDINGS + 500))
    problems, _ = find([text], context(text))
    unknown = [problem.message for problem in problems if problem.name == "unknown-key"]
    assert len(unknown) == MOST_FINDINGS + 1
    assert any("1000 of this kind so far" in message for message in unknown)


def test_edits_beside_and_within_each_other_are_sorted_out() -> None:
    text = document(body="## Action items\n\n" + "- [ ] do — lever: code, owner: t\n" * 50)
    found = edits(text, context(text))
    assert list(found) == sorted(found, key=lambda edit: (edit.start, edit.end))
    assert all(one.end <= other.start for one, other in pairwise(found))


@pytest.mark.parametrize("line", ["0" * 1000 + "!", "0" * 64 + "!", "a.md" * 300 + "!"])
def test_a_line_of_digits_is_no_puzzle(line: str) -> None:
    assert plain_text(line) == line
    assert plain_text("2026-01-03-x.md, 0123abcd; runs/a.json") == ""


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 21, 95])
def test_a_sentence_without_an_end_is_cut_into_whole_pieces(count: int) -> None:
    words = [f"w{n}" for n in range(count)]
    pieces = [piece.removesuffix(".").split() for piece in cut(" ".join(words), 10)]
    assert [word for piece in pieces for word in piece] == words
    assert [len(piece) for piece in pieces[:-1]] == [10] * max((count - 1) // 10, 0)


# Patterns

#: What is handed to these is short, or is looked at from few places: why, for each.
BOUNDED = {
    "kb.records.action_and_prior_items._BULLET": "held against the beginning of a line",
    "kb.records.action_and_prior_items.ANY_ITEM": "the same",
    "kb.records.informal_action_items.ANY_ITEM": "the same",
    "kb.records.heading_topics._BY_SECTION": "held against a heading of at most 70 characters",
    "kb.site.safe_html._LINK_WITHOUT_TARGET": "nh3 has closed every element",
    "kb.site.post_process._SCRIPT": "pages are ours: a record's own tags are escaped",
    "kb.traces.effects.call_failures._STATUS": "looks at the beginning of an answer",
    "kb.lint.wording.bare_labels._ALONE": "held against a sentence of at most 140 characters",
    "kb.lint.wording.bare_labels._VERDICT": "the same",
    "kb.lint.wording.bare_labels._STATE": "the same",
    "kb.lint.wording.vague_actions._LEADS": "looks at the first 600 characters of an action",
    "kb.lint.wording.vague_actions._KINDS": "the same",
    "kb.traces.importers.claude_files._SAVED_TO": "looks at the beginning of a result",
    "kb.trusted_settings._WILD": "looks at the first 500 characters of a pattern",
    "kb.traces.analyses.claims._CLAIM": "of a message 20,000 characters are read",
}


def compiled(value: Any, depth: int = 0) -> Iterator[re.Pattern[str]]:
    """The patterns in a value: a pattern, or a row or list that holds some."""
    if isinstance(value, LatePattern):
        value = value.compiled()
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
        return
    if isinstance(value, dict):
        value = [*value.values()]
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        value = [getattr(value, name, None) for name in value.__dataclass_fields__]
    if isinstance(value, list | tuple | set | frozenset) and depth < 4:
        for inner in value:
            yield from compiled(inner, depth + 1)


def all_patterns() -> dict[tuple[str, int], str]:
    """Every pattern of the package with the first name it stands under."""
    found: dict[tuple[str, int], str] = {}
    for module in pkgutil.walk_packages(kb.__path__, "kb."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                for pattern in compiled(value):
                    found.setdefault((pattern.pattern, pattern.flags), f"{module.name}.{name}")
    return found


def is_anchored(place: str) -> bool:
    """Whether a pattern is only ever held against the beginning of a text."""
    module, _, name = place.rpartition(".")
    source = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    if not source.is_file():
        return False
    text = source.read_text(encoding="utf-8")
    used = set(re.findall(rf"(?<![\w.]){re.escape(name)}\.(\w+)\(", text))
    mentions = len(re.findall(rf"(?<![\w.]){re.escape(name)}\b", text))
    called = len(re.findall(rf"(?<![\w.]){re.escape(name)}\.\w+\(", text))
    return bool(used) and used <= {"match", "fullmatch"} and mentions == called + 1


def test_the_counter_tells_quadratic_patterns_from_linear_ones() -> None:
    quadratic = (r"(a+)+$", r"a*a*b", r"[ \t]+(?:—|--)", r"\s+$", r"\[([^\]]*)\]\(")
    linear = (
        r"(?<![ \t])[ \t]++(?:—|--)",
        r"a+b?",
        r"\[([^\[\]]*)\]\(",
        r"^[ \t]*-[ \t]+",
        r"x{1,9}$",
    )
    assert all(growing(pattern, re.UNICODE, anchored=False) for pattern in quadratic)
    assert not any(growing(pattern, re.UNICODE, anchored=False) for pattern in linear)


@pytest.mark.no_cover  # none of it is ours, and measured it takes twenty times as long
def test_no_pattern_does_more_than_linear_work() -> None:
    found = {
        place: (pattern, attack)
        for (pattern, flags), place in all_patterns().items()
        if place not in BOUNDED and (attack := growing(pattern, flags, anchored=is_anchored(place)))
    }
    assert found == {}


def asking(count: int) -> Run:
    """A run of a number of calls, each asked for without words, each failing."""
    steps = [step for n in range(count) for step in (agent(), failed(write("pay", {"id": n})))]
    return made_run(user("Pay them."), *steps)


@pytest.mark.parametrize(
    "look", [lambda run: list(timeline(run, View())), lambda run: facts(run, "a.json", 0)]
)
def test_a_run_is_drawn_and_judged_step_by_step(look: Callable[[Run], object]) -> None:
    few, many = asking(100), asking(400)
    look(few)  # loads what it needs
    assert calls(lambda: look(many)) < 5 * calls(lambda: look(few))


def test_a_plain_text_is_made_without_a_look_at_each_character() -> None:
    assert calls(lambda: plain("a" * 100_000 + "\n\x1b[31mé")) < 30


def test_a_name_that_stands_over_and_over_is_found_in_work_that_grows_as_the_text() -> None:
    index = NameIndex((PrivateName("Jane Roe", PERSON),))
    texts = ["Jane\n" * n for n in (200, 400)]
    once, twice = (calls(lambda text=text: index.find(text)) for text in texts)  # type: ignore[misc]
    assert twice < 3 * once
    assert [(hit.start, hit.end) for hit in index.find(texts[0])] == [(0, len(texts[0]) - 1)]


def test_an_item_without_a_box_is_found_without_a_look_at_the_others() -> None:
    """Steps of the interpreter are counted: a look through a list calls nothing."""
    texts = [
        document(body=f"## Action items\n\n{numbered('- [] do %d — owner: t' + chr(10), n)}")
        for n in (100, 200)
    ]
    assert steps(lambda: list(task_edits(texts[1]))) < 2.3 * steps(
        lambda: list(task_edits(texts[0]))
    )
