"""What a terminal, a JSON reader and a CI are shown of text that others wrote."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from kb import streams
from kb.terminal import (
    as_lines,
    cells,
    joined,
    rendered,
    styled,
    visible,
    visible_json,
    visible_lines,
    whole_value,
)

from hostile_library import ATTACK, raw_characters


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b2J", r"\x9b2J"),
        ("a\rb\x08\x07\x00\x7f", r"a\x0db\x08\x07\x00\x7f"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("line\u2028line\x85", r"line\u2028line\x85"),
        ("a\u200bb\u200db\ufeff\xad", r"a\u200bb\u200db\ufeff\xad"),
        ("hi\U000e0068\U000e0069", r"hi\U000e0068\U000e0069"),
        ("caf\udce9 \ud800", r"caf\xe9 \ud800"),
        ("a\tb\nc", r"a b\x0ac"),
        ("naïve → “done” 東京 é", "naïve → “done” 東京 é"),
        ("👩\u200d💻 ❤\ufe0f نامه\u200cای", "👩\u200d💻 ❤\ufe0f نامه\u200cای"),
        ("🙂\u200d\u200d🙂", r"🙂\u200d\u200d🙂"),
    ],
)
def test_what_is_not_a_sign_on_the_screen_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_every_format_and_control_character_is_spelled_out() -> None:
    import unicodedata

    kept = {0x0600, 0x0601, 0x0602, 0x0603, 0x0604, 0x0605, 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2}
    kept |= {0x110BD, 0x110CD, *range(0x13430, 0x13440)}  # marks of numbers that are drawn
    for number in range(sys.maxunicode + 1):
        if unicodedata.category(chr(number)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            assert (visible(chr(number)) == chr(number)) == (number in kept), hex(number)


def test_layout_is_kept_in_text_of_more_lines() -> None:
    assert visible_lines("a\n\tb\r\n") == "a\n\tb\\x0d\n"


def test_no_text_adds_a_line_of_its_own() -> None:
    assert as_lines(["one", "two\nCLEAR"]) == "one\ntwo\\x0aCLEAR\n"


def test_colour_comes_from_styles_and_never_from_characters() -> None:
    text = styled(ATTACK, "red bold") + " and " + ATTACK
    plain, painted = rendered(text, colour=False), rendered(text, colour=True)
    assert not raw_characters(plain.encode())
    assert painted.count("\x1b") == 3
    assert painted.startswith("\x1b[31m\x1b[1m\\x1b[31mRED")
    assert str(joined(", ", ["a", styled("b", "dim")])) == "a, b"


def test_json_holds_the_same_values_in_characters_that_do_nothing() -> None:
    value = {"a": ATTACK, "b\u202e": ["\u2028", 1.5, None, "\\ud800 is text"]}
    for ascii_only in (True, False):
        shown = visible_json(json.dumps(value, ensure_ascii=ascii_only))
        assert json.loads(shown) == value
        assert not raw_characters(shown.encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"\ud83d"', "\ufffd"),
        (r'"\ude00\ud83d"', "\ufffd\ufffd"),
        (r'"\\ud83d"', r"\ud83d"),
        (r'"\\\ud83d"', "\\\ufffd"),
        ('"\ud800"', "\ufffd"),
    ],
)
def test_halves_of_surrogate_pairs_are_replaced_in_json(text: str, value: str) -> None:
    assert json.loads(visible_json(text)) == value


def test_halves_of_surrogate_pairs_are_replaced_in_values() -> None:
    assert whole_value({"a\udce9": ["\ud800", 1]}) == {"a\ufffd": ["\ufffd", 1]}
    assert whole_value({"ids": ("a\udcff",)}) == {"ids": ["a\ufffd"]}


def test_cells_are_counted_as_a_terminal_does() -> None:
    assert [cells(text) for text in ("ab", "東京", "e\u0301")] == [2, 4, 1]


@pytest.mark.parametrize("variable", ["GITHUB_ACTIONS", "TF_BUILD"])
def test_a_ci_gets_no_command_from_a_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    monkeypatch.setenv(variable, "true")
    text = "see\n  ::add-mask::a ::b\n::stop-commands::x\nat ##[error]y ##vso[task.complete]"
    streams.echo(text)
    streams.warn(text)
    streams.echo_json(json.dumps({"a": text}))
    out, err = capsys.readouterr()
    for printed in (*out.splitlines(), *err.splitlines()):
        assert not printed.lstrip().startswith("::")
        assert "##" not in printed
    assert json.loads(out.splitlines()[-1]) == {"a": text}


def test_a_stream_without_our_signs_gets_plainer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", newline=""))
    streams.echo("a → b … é 東")
    streams.echo_json('{"a": "é 😀"}')
    shown, as_json, _ = raw.getvalue().decode("ascii").split("\n")
    assert shown == "a -> b ... \\xe9 \\u6771"
    assert json.loads(as_json) == {"a": "é 😀"}


def test_what_a_library_prints_is_escaped_too() -> None:
    code = (
        "from kb import streams\n"
        "import sys, warnings\n"
        "with streams.guarded():\n"
        "    print('\\x1b[31m', file=sys.stderr); print('\\u202e'); warnings.warn('\\x9b')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert not raw_characters(done.stdout + done.stderr)
    assert b"\\u202e" in done.stdout
