"""What fuzzing has found, made small; and each harness, run for a bounded number of inputs.

A find is a case of `FINDS`: the target of `fuzz_targets` and the bytes. Those that look like a
secret are put together here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from conftest import ROOT

pytest.importorskip("mcp", reason="the extra mcp is not installed")
pytest.importorskip("pygls", reason="the extra editor is not installed")
pytest.importorskip("markdown_it", reason="the extra site is not installed")

import yaml
from kb.errors import KbError
from kb.traces.fixture import Blobs, fixture_chunks, read_fixture
from kb.traces.replay.asserts import check_asserts, evaluate_assert
from kb.traces.run import OutcomeAssert
from kb.yaml_values import NotYamlError, load_yaml

import fuzz_targets
import fuzz_targets_of_tools
from traces_made import answered, asked, call, chat, run_of

TARGETS = fuzz_targets.TARGETS | fuzz_targets_of_tools.TARGETS
HTTP = "interactions:\n- request: {uri: x, body: '{}'}\n  x: "
SITE = "docs_dir: build/pages\n"
ILL_TAGGED = ('!!int ""', "!!bool x", "!!timestamp x", '!!float ""')
FINDS = [
    *(("site-settings", f"x: {value}") for value in ILL_TAGGED),
    *(("trace", HTTP + value) for value in ILL_TAGGED),
    ("trace", f"{HTTP}0x{'f' * 4000}"),
    ("site-settings", SITE + "theme: {palette: &a [*a]}"),
    ("trace", '{"object": [1], "id": {}}'),
    ("trace", json.dumps(chat("x") | {"seed": 2**60})),
    ("trace", json.dumps(chat("x") | {"extra": {"n": 1e18}})),
    ("trace", '{"type": ["assistant"], "message": {}, "sessionId": 1}'),
    ("mcp", '{"jsonrpc": "2.0", "id": "\0", "method": "ping"}'),
    ("lsp", '"a message that is a text"'),
    ("adopt", "\x02title,severity,text\nx,>1\x01 x,\n"),
    ("adopt", '\x02title,severity,text\n"x\x85\u2028\x7f","1\u2028- x",\n'),
]
#: The same in bytes that are no UTF-8.
ODD_BYTES = [("lsp", b'{"jsonrpc": ["2.0"], "method": ["\xfc"], "params": 1, "id": "7"}')]
EXECUTIONS = os.environ.get("KB_FUZZ_RUNS", "1500")


@pytest.mark.parametrize(("target", "raw"), FINDS)
def test_what_was_found_is_found_no_more(target: str, raw: str) -> None:
    TARGETS[target].run(raw.encode())


@pytest.mark.parametrize(("target", "raw"), ODD_BYTES)
def test_bytes_that_are_no_text_are_read_leniently(target: str, raw: bytes) -> None:
    TARGETS[target].run(raw)


@pytest.mark.parametrize("value", [2**53, 2**60, float("nan")])
def test_a_number_of_a_run_that_json_cannot_carry_is_left_out_with_a_note(
    value: float, tmp_path: Path
) -> None:
    run = run_of(tmp_path, chat("x") | {"seed": value})
    assert run.state.request.seed is None
    path = tmp_path / "fixture.json"
    path.write_bytes(b"".join(fixture_chunks(run, Blobs())))
    assert read_fixture(path) == run
    if value > 0:
        assert (
            "gen_ai.request.seed was left out: no number that can be kept" in run.provenance.lossy
        )


def test_a_fixture_with_such_a_number_is_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path, chat("x"))
    raw = b"".join(fixture_chunks(run, Blobs()))
    path = tmp_path / "fixture.json"
    path.write_bytes(re.sub(rb'"kb.freeze_step":\d+', b'"kb.freeze_step":9007199254740992', raw))
    with pytest.raises(KbError, match=r"kb.freeze_step is no number that JSON carries"):
        read_fixture(path)


def test_a_card_number_is_taken_out_of_a_float_too(tmp_path: Path) -> None:
    digits = "4532" + "015112830366"
    for number in (int(digits), float(digits)):
        run = run_of(tmp_path, [asked(call(1, "pay", {"card": number})), answered(1, "ok")])
        assert digits.encode() not in b"".join(fixture_chunks(run, Blobs()))


WORLD = {"calls": [{"tool": "a", "arguments": {"x": 1}}], "text": "abc"}


@pytest.mark.parametrize("path", ["$.text", "$.calls[0].arguments", "$.calls", "$.calls[0].tool"])
@pytest.mark.parametrize("value", [1, None, [], {}, ["a"]])
def test_what_is_of_another_type_is_not_contained(path: str, value: object) -> None:
    held = evaluate_assert(OutcomeAssert("x", path, "contains", value), WORLD)
    assert not held.holds


def test_a_path_that_goes_too_deep_is_a_fault_of_the_assert() -> None:
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(KbError, match="cannot be judged"):
        evaluate_assert(OutcomeAssert("x", "$.said..x", "count", 1), {"said": deep})


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("$.calls[0].arguments" + "[0,0]" * 30, "ways to one value"),
        ("$.calls[?@.arguments" + "[*,*]" * 30 + "]", "ways to one value"),
        ("$.calls[?$.calls[?$.calls[?@.tool]]]", "names one value"),
        ("$.calls[?count($.calls[*]) > 1]", "names one value"),
    ],
)
def test_a_path_that_takes_as_many_steps_as_its_writer_likes_is_refused(
    path: str, why: str
) -> None:
    with pytest.raises(KbError, match=why):
        check_asserts([OutcomeAssert("x", path, "count", 1)])


@pytest.mark.parametrize(
    "pattern", ["(?:a{9999}){9999}", "(a{9999,}){99,}", "(" * 3000, "a{2}" * 17, "a{10000000000}"]
)
def test_a_pattern_that_fills_the_memory_is_refused(pattern: str) -> None:
    with pytest.raises(KbError, match="cannot be judged: a pattern"):
        check_asserts([OutcomeAssert("x", "$.text", "matches", pattern)])


def test_a_pattern_with_counts_is_judged() -> None:
    each = OutcomeAssert("x", "$.text", "matches", r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}|[a-c]{1,9}$")
    check_asserts([each])
    assert evaluate_assert(each, WORLD).holds


def test_a_path_that_compares_with_one_value_elsewhere_is_judged() -> None:
    path = "$.calls[?@.arguments.x == $.calls[0].arguments.x]"
    each = OutcomeAssert("x", path, "count", 1)
    check_asserts([each])
    assert evaluate_assert(each, WORLD).holds


def test_aliases_are_counted_before_anything_is_built() -> None:
    names = "abcdefghijklmnopqrst"
    bomb = "a: &a {k: v}\n" + "".join(
        f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
        for before, name in pairwise(names)
    )
    for loader in (yaml.SafeLoader, yaml.CSafeLoader):
        with pytest.raises(NotYamlError, match="grow without end"):
            load_yaml(bomb.encode(), loader, 10_000)
        with pytest.raises(NotYamlError, match="within what it names, line 1"):
            load_yaml(b"a: &a [*a]", loader, 10_000)
        assert load_yaml(b"a: &a [1]\nb: *a", loader, 10) == {"a": [1], "b": [1]}
        assert load_yaml(b"", loader, 10) is None


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_takes_what_a_fuzzer_starts_from(target: str) -> None:
    seeds = [*TARGETS[target].seeds()]
    assert len(seeds) > 2
    for raw in seeds:
        TARGETS[target].run(raw)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_unexpected_leaves_a_target(target: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this platform")
    limits = ("-seed=1", f"-runs={EXECUTIONS}", "-rss_limit_mb=1024")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/fuzz.py"), target, *limits],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    reached = re.findall(r"DONE +cov: (\d+) ft: (\d+)", done.stderr)
    assert reached
    print(f"{target}: edges, features {reached[-1]}")
