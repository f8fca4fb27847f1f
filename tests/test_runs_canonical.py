"""Do equal values have equal keys? The key beside the canonical JSON it stands for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kb.traces.analyses.idempotency import repeats
from kb.traces.canonical_json import MAX_INTEGER, canonical, digest

from runs_made import made_run, write

_NUMBERS = st.one_of(
    st.integers(-MAX_INTEGER, MAX_INTEGER),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([50, 50.0, -0.0, 0, 0.0, 1e15, 10**15, 2.5, 1e16]),
)
_SCALARS = st.one_of(st.none(), st.booleans(), _NUMBERS, st.sampled_from(["50", "50.0", "v1.0"]))
_VALUES = st.recursive(
    _SCALARS,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from("ab"), part),
    max_leaves=6,
)


@given(_VALUES, _VALUES)
def test_keys_are_equal_exactly_where_canonical_json_is(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [({"usd": 50}, {"usd": 50.0}), ([0], [-0.0]), ({"a": [1.0, "1.0"]}, {"a": [1, "1.0"]})],
)
def test_a_whole_number_is_the_same_however_it_is_written(one: Any, other: Any) -> None:
    assert digest(one) == digest(other)


def test_a_write_of_50_and_one_of_50_0_are_a_repeat() -> None:
    run = made_run(write("refund", {"usd": 50}), write("refund", {"usd": 50.0}))
    assert [repeat.ran for repeat in repeats(run)] == [2]


def test_numbers_that_no_double_holds_stay_apart() -> None:
    assert digest({"order": 2**53 + 1}) != digest({"order": 2**53})
    assert digest(10**30) != digest(10**30 + 1)
