"""Patterns that are compiled when they are first used."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys

import pytest
from kb.lazy_regex import regex

#: More than click, TOML and YAML bring along: 75 on the day this was written, 500 before it.
MOST_AT_START = 120


def test_a_late_pattern_is_what_re_compiles() -> None:
    late, plain = regex(r"a(?P<n>\d)", re.IGNORECASE), re.compile(r"a(?P<n>\d)", re.IGNORECASE)
    assert [m["n"] for m in late.finditer("A1 a2")] == ["1", "2"]
    assert (late.pattern, late.flags) == (plain.pattern, plain.flags)
    assert late.sub("x", "a1") == "x"
    assert copy.copy(late).match("a3")
    assert pickle.loads(pickle.dumps(late)).match("a3")
    with pytest.raises(AttributeError):
        _ = late.__wrapped__  # type: ignore[attr-defined]


def test_a_check_compiles_what_it_needs_and_no_more() -> None:
    count = (
        "import re._compiler as c; n = 0; was = c.compile\n"
        "def seen(*a):\n    global n; n += 1; return was(*a)\n"
        "c.compile = seen\nimport kb.commands.check\nprint(n)"
    )
    done = subprocess.run([sys.executable, "-c", count], capture_output=True, text=True, check=True)
    assert int(done.stdout) <= MOST_AT_START
