"""What may `kb fmt` change in a text nobody foresaw? Ten thousand mutated records and wild ones.

A tenth of the mutants is in every run, all of them in `scripts/test --slow`.

The judge is written from the promise and not from the code: every edit has to be one of the nine
that are allowed, seen with what stands around it, and what stands outside the edits stays.
"""

from __future__ import annotations

import calendar
import os
import random
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from kb.lint.fmt.formatter import edits
from kb.lint.fmt.text_edit import Edit
from kb.records.informal_action_items import read_informal_actions
from kb.records.postmortem import read_time

from conftest import EXAMPLE
from test_fmt import CONTEXT, FORM, facts, fmt, read

MUTANTS = int(os.environ.get("KB_MUTANTS", "10000"))
GROUPS = 20
_MOST_PASSES = 7
_KEYS = "owner|due|lever|cause|gate|tracker|opened|closed"
_BULLET = r"[ \t]*[-*+][ \t]+"
_BOX = _BULLET + r"\[[ xX-]\][ \t]+"
_MINUTES = "DETECTION_CHAIN_MINUTES"


class Place:
    """One edit, and the line that it stands in on both sides."""

    def __init__(self, text: str, edit: Edit) -> None:
        self.text, self.new = text, edit.replacement
        self.old = text[edit.start : edit.end]
        self.before = text[: edit.start].rpartition("\n")[2]
        self.behind = text[edit.end :]
        self.rest = self.behind.partition("\n")[0].rstrip("\r")


def is_label(place: Place) -> bool:
    given = re.fullmatch(r"(A\d{1,4}): ", place.new)
    is_free = given and not re.search(rf"\b{given[1]}[*_]*[ \t]*:", place.text)
    return bool(is_free) and place.old == "" and bool(re.fullmatch(_BOX, place.before))


def is_box(place: Place) -> bool:
    opened = re.fullmatch(r"(?:\[\][ \t]+)?", place.old) and place.new == "[ ] "
    says_done = "closed:" in place.rest.lower() or place.rest.startswith("~")
    said = re.match(rf"\**A\d+\**[ \t]*:|.*[—–-][ \t]+(?:{_KEYS})[ \t]*:", place.rest) or place.old
    return bool(opened and said) and bool(re.fullmatch(_BULLET, place.before)) and not says_done


def is_dash(place: Place) -> bool:
    opens = re.match(rf"[ \t]+(?:{_KEYS})[ \t]*:", place.rest)
    return (place.old, place.new) == ("-", "—") and bool(opens) and place.before[-1:] in " \t"


def is_order_of_attributes(place: Place) -> bool:
    old, new = (_pairs(text) for text in (place.old, place.new))
    return old is not None and old == new and not place.rest.strip()


def _pairs(text: str) -> list[tuple[str, str]] | None:
    """The attributes behind the dash, in no order; None for any other text."""
    dash = re.match(r"(?:—|–|--?)[ \t]+", text)
    parts = re.split(rf"(?:^|,)[ \t]*({_KEYS})[ \t]*:", text[dash.end() :]) if dash else ["-"]
    if parts[0].strip():
        return None
    return sorted(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def is_time(place: Place) -> bool:
    """The same moment, with nothing behind it that could make it another."""
    goes_on = re.match(r"\w|:|[ \t]*[+−–-][ \t]*\d|[ \t]*[ap]\.?m\b", place.rest)
    canonical = r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{6})?Z| \d\d:\d\d(?::\d\d)? UTC)"
    is_one = re.fullmatch(canonical, place.new) and not goes_on
    return bool(is_one) and _moment(place.old) == _moment(place.new)


def _moment(text: str) -> datetime | None:
    zone = re.search(r"[ \t]*(?:UTC|GMT|Z|[+-]\d\d(?::?\d\d)?)$", text)
    if not zone:
        return None
    day, clock = re.split(r"(?<=\d)[^\d-][T \t]*", text[: zone.start()], maxsplit=1)
    offset = zone[0].strip()
    hour, _, minutes = clock.partition(":")
    written = f"{day}T{hour:0>2}:{minutes}{offset if offset[0] in '+-' else '+00:00'}"
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None


def is_minutes(place: Place) -> bool:
    """The number that the clocks give, for a number of minutes: with another unit it is another."""
    old = re.fullmatch(r"[ \t]*|\d+(?:[,_]\d{3})*(?:\.\d+)?|unknown", place.old, re.IGNORECASE)
    key = re.search(r"detection[_ ]chain[_ ]minutes\W*$", place.before, re.IGNORECASE)
    rest = re.fullmatch(r"(?:[ \t]*min(?:ute)?s?\.?)?[ \t]*(\(.*)?", place.rest, re.IGNORECASE)
    goes_on = re.match(r"[^\n]*\n[ \t]+\S", place.behind) and not (rest and rest[1])
    return bool(old and key and rest) and not goes_on and place.new.strip() == _by_clocks(place)


def is_minutes_line(place: Place) -> bool:
    line = rf"{_MINUTES}: {_by_clocks(place)}\r?\n"
    allowed = rf"{line}|(?:\r?\n){{2}}```evidence\r?\n{line}```"
    return place.old == "" and bool(re.fullmatch(allowed, place.new))


def _by_clocks(place: Place) -> str:
    front = read(place.text).front
    start = "first_warning" if front.text("kind") == "near-miss" else "first_impact"
    first, last = (read_time(front.text(f"clocks.{name}")) for name in (start, "detected"))
    if first is None or last is None:
        return "no number"
    return str(int((last - first).total_seconds() / 60 + 0.5))


def is_fence(place: Place) -> bool:
    """The same lines between two marks: keys in one spelling, values to the letter."""
    old, new = (text.replace("\r\n", "\n").split("\n") for text in (place.old, place.new))
    marks = (new[0], new[-1]) == ("```evidence", "```")
    return marks and len(old) == len(new[1:-1]) and all(map(_is_same_field, old, new[1:-1]))


def _is_same_field(old: str, new: str) -> bool:
    if new.startswith("  "):
        return old.strip() == new.strip()
    key, _, value = new.partition(":")
    label = re.sub(r"[\W_]+", " ", old.rstrip().removesuffix(value.strip())).strip()
    return any(row.key == key for section in FORM.sections if (row := section.labelled(label)))


def is_name_of_fence(place: Place) -> bool:
    is_plain = place.old.lower() in {"", "text", "txt", "yaml", "md"}
    is_opening = re.fullmatch(r"[ \t]*(?:```+|~~~+)[ \t]*", place.before)
    return is_plain and place.new == "evidence" and bool(is_opening)


def is_indent(place: Place) -> bool:
    return (place.old, place.new, place.before) == ("", "  ", "")


def is_key(place: Place) -> bool:
    label = re.sub(r"[\W_]+", " ", place.old).strip()
    row = next((r for s in FORM.sections if (r := s.labelled(label))), None)
    return bool(row and place.before == "" and place.new.rstrip() == f"{row.key}:")


def is_table_of_evidence(place: Place) -> bool:
    return place.old.lstrip()[:1] == "|" and place.new[:12] == "```evidence\n" and _keeps(place, 2)


def is_timeline(place: Place) -> bool:
    """Each line begins as an item does; that the moments are the same, `facts` tells."""
    item = r"[ \t]*- \d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC — .*"
    is_item = re.match(r"[ \t]*[-*+][ \t]+\d{4}-\d\d-\d\d[ T]", place.old)
    lines = place.new.splitlines()
    return not is_item and all(re.fullmatch(item, line) for line in lines) and _keeps(place, 2)


def is_tasks(place: Place) -> bool:
    lines = place.new.splitlines()
    is_task = re.match(_BOX, place.old)
    is_told = re.search(r" — (?:owner|due|lever|tracker): ", place.new) or "|" in place.old
    tasks = all(re.match(r"- \[[ x-]\] \S", line) for line in lines)
    return bool(tasks and is_told) and not is_task and _keeps(place, 2)


_NO_WORDS = {
    *(month.lower() for month in calendar.month_name[1:]),
    *("utc", "gmt", "am", "pm", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep"),
    *("oct", "nov", "dec", "st", "nd", "rd", "th", "at", "on", "by", "due", "done", "open"),
    *(
        "status",
        "owner",
        "lever",
        "closed",
        "deadline",
        "assignee",
        "todo",
        "completed",
        "complete",
    ),
}


def _keeps(place: Place, head: int) -> bool:
    """Whether every word of letters is kept, apart from the head of a table and words of dates."""
    lines = place.old.splitlines()
    old = "\n".join(lines[head:] if place.old.lstrip()[:1] == "|" else lines)
    words = {word.lower() for word in re.findall(r"[^\W\d_]{2,}", old)} - _NO_WORDS
    kept = place.new.lower()
    return bool(place.new) and all(word in kept for word in words)


def is_order_of_keys(place: Place) -> bool:
    in_front = place.text.lstrip("\ufeff").startswith("---") and "\n" in place.old
    old, new = (sorted(text.splitlines(keepends=True)) for text in (place.old, place.new))
    return in_front and old == new


ALLOWED: tuple[Callable[[Place], bool], ...] = (
    is_label,
    is_box,
    is_dash,
    is_order_of_attributes,
    is_time,
    is_minutes,
    is_minutes_line,
    is_fence,
    is_order_of_keys,
    is_name_of_fence,
    is_indent,
    is_key,
    is_table_of_evidence,
    is_timeline,
    is_tasks,
)


def judged(text: str) -> str:
    """The text after all passes, each edit of each pass judged, made by nobody's `apply`."""
    for _ in range(_MOST_PASSES):
        changes = edits(read(text), CONTEXT)
        if not changes:
            return text
        for edit in changes:
            place = Place(text, edit)
            assert any(allowed(place) for allowed in ALLOWED), (place.before, edit, place.rest)
        for edit in sorted(changes, key=lambda edit: edit.start, reverse=True):
            text = text[: edit.start] + edit.replacement + text[edit.end :]
    raise AssertionError(f"still changing after {_MOST_PASSES} passes:\n{text}")


def assert_nothing_is_lost(text: str) -> None:
    once = judged(text)
    assert fmt(text) == once
    document = read(text)
    if once != text and not document.faults:
        assert read(once).faults == ()
        told, actions = _told(text)
        told_after, actions_after = _told(once)
        assert told == told_after
        assert len(actions_after) == len(actions) + _boxes_given(text, once)


def _told(text: str) -> tuple[list[object], list[object]]:
    front, actions, *rest = facts(text)
    assert isinstance(actions, list)
    return [front, *rest], actions


def _boxes_given(text: str, once: str) -> int:
    return len(read(text).unboxed) - len(read(once).unboxed) + _informal(text) - _informal(once)


def _informal(text: str) -> int:
    document = read(text)
    section = document.section("actions")
    unboxed = {item.line for item in document.unboxed}
    found = read_informal_actions(section.lines, FORM.words("lever")) if section else ()
    return sum(action.line not in unboxed for action in found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("DETECTION_CHAIN_MINUTES: 3 hours", "DETECTION_CHAIN_MINUTES: 4626 hours"),
        ("DETECTION_CHAIN_MINUTES: 12-15", "DETECTION_CHAIN_MINUTES: 4626-15"),
        ("DETECTION_CHAIN_MINUTES: 12", "DETECTION_CHAIN_MINUTES: 4625"),
        ("- 2026-04-12 14:02 GMT+2 — x", "- 2026-04-12 14:02 UTC+2 — x"),
        ("- 2026-04-12 14:02Z–15:00Z", "- 2026-04-12 14:02 UTC–15:00Z"),
        ("- 2026-04-12 14:02 GMT — x", "- 2026-04-12 14:03 UTC — x"),
        ("- [ ] do x", "- [ ] A5: do x"),
        ("- [ ] x — due: a, owner: b", "- [ ] x — owner: b"),
        ("- do x", "- [ ] do x"),
        ("HARM: a", "```evidence\nHARM:\n```"),
        ("HARM: a", "```evidence\nWINDOW: a\n```"),
        ("some prose", "some verse"),
    ],
)
def test_the_judge_knows_a_wrong_edit(before: str, after: str) -> None:
    """Each of these was, or could be, an edit that says something else."""
    text = f"{COMPACT}\n{before}\n"
    for start, end in _spans(before, after):
        at = len(text) - len(before) - 1
        edit = Edit(at + start, at + len(before) - end, after[start : len(after) - end], "")
        assert not any(allowed(Place(text, edit)) for allowed in ALLOWED), edit


def _spans(before: str, after: str) -> list[tuple[int, int]]:
    """The whole line, and what is left when equal ends are cut off."""
    start = _equal(before, after)
    return [(0, 0), (start, _equal(before[start:][::-1], after[start:][::-1]))]


def _equal(one: str, other: str) -> int:
    """How many letters two texts have in common at their begin."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


# The mutants. Sections that nothing is edited in are left away, so that each takes a millisecond.


def _compact() -> str:
    """The worked example with the sections that `kb fmt` looks into."""
    front, *sections = EXAMPLE.read_text("utf-8").split("\n## ")
    kept = ("Customer", "Timeline", "Detection", "Idempotency", "Action")
    return "\n## ".join([front, *(part for part in sections if part.startswith(kept))])


COMPACT = _compact()
_LINES = ["", "```", "```evidence", "~~~", "<!--", "-->", "---", "> HARM: q", "  more", "prose",
          "HARM: a", "- **Harm:** a -> b", "window: é𝄞", "- WINDOW: b", "TOOL: x", "\u2028", "\x00",
          "## Timeline", "## Action items", "## Detection chain", "## Idempotency-key audit",
          "- [ ] do", "- A7: do x", "- [] do — owner: c", "- do x - owner: a, due: 2026-05-01",
          "- [y] A8: no", "1. A9: x — owner: a", "  - owner: b", "- [ ] x — lever: a, owner: b",
          "- [-] A2: y -- gate: restart, owner: z", "  — owner: c, cause: d", "title: y",
          "- 2026-04-12 9:02Z — x [impact]", "- 2026-04-12 9:02 GMT+2 x", "# a remark",
          "- 2026-04-12 08:00 +01:00–09:00 +01:00 x", "- 2026-04-12 5:00pm UTC x", "\udcff",
          "opened: '2026-04-12T09:00+00:00'", "DETECTION_CHAIN_MINUTES: 7"]  # fmt: skip
#: What stands in the example, and what somebody might have written there.
_WORDS = {
    "DETECTION_CHAIN_MINUTES: 4626": [
        f"{key}: {value}"
        for key in (_MINUTES, "- Detection chain minutes", f"**{_MINUTES}**")
        for value in ("3 hours", "1.5 hours", "12-15", "12 000", "1,200", "7 min", "7 (x)", "1,5",
                      "unknown", "unknown yet", "", "4626.4", "about 7", "7\n  hours", "-7", "77 h")
    ],
    " UTC": ["Z", " GMT", " GMT+2", " UTC+02:00", " UTC-07:00", " +0200", " -07:00", "pm UTC",
             " CEST", "Z–23:00Z", " +01:00-09:00 +01:00", " UTC - 3", "", "  UTC", " +02:00 –7"],
    "- [x] A": ["- [] A", "- A", "- [X] A", "-  [ ] A", "* [-] A", "- [x]A", "+ [ ] **A"],
    " — owner": [" - owner", " -- owner", "  –  owner", "; owner", " — see, owner", "\n  — owner"],
    "HARM:": ["harm:", "**HARM**:", "- HARM:", "* **Harm:**", "`HARM`:", "  HARM:", "> HARM:"],
    "03:14:00Z": ["05:14+02:00", "3:14Z", "03:14:00", "03:14:00.5Z", "03:14:00.1234567Z"],
    "```evidence\n": ["", "~~~evidence\n", "```\n", "\n", "prose\n"],
    "2026-04-12 ": ["2026-04-12T", "2026-4-12 ", "2026-04-12  ", "2026-13-12 ", "9999-12-31 "],
    "\n": ["\r\n", "\n\n", " \n", "\t\n", "\r", "\x0b\n"],
}  # fmt: skip


def mutated(chance: random.Random) -> str:
    """The compact example with one to six things changed."""
    text = COMPACT
    for _ in range(chance.randint(1, 6)):
        text = chance.choice((other_line, other_word, other_word, _other_letters))(text, chance)
    return text.replace("\n", "\r\n") if chance.random() < 0.1 else text


def other_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    here, there = (chance.randrange(len(lines)) for _ in range(2))
    kind = chance.choice(("drop", "double", "swap", "cut", "insert", "insert", "move"))
    if kind == "drop":
        del lines[here]
    elif kind == "double":
        lines.insert(there, lines[here])
    elif kind == "swap":
        lines[here], lines[there] = lines[there], lines[here]
    elif kind == "cut":
        lines[here] = lines[here][: chance.randrange(len(lines[here]) + 1)]
    elif kind == "move":
        lines.insert(there, lines.pop(here))
    else:
        lines.insert(here, chance.choice(_LINES))
    return "\n".join(lines)


def other_word(text: str, chance: random.Random) -> str:
    word = chance.choice(tuple(_WORDS))
    places = [match.start() for match in re.finditer(re.escape(word), text)]
    if not places:
        return text
    at = chance.choice(places)
    return text[:at] + chance.choice(_WORDS[word]) + text[at + len(word) :]


def _other_letters(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(" \t-–—:,.[](*_`#>0x\n") + text[at + chance.randrange(3) :]


@pytest.mark.parametrize(
    "group", [0, 1, *(pytest.param(group, marks=pytest.mark.slow) for group in range(2, GROUPS))]
)
def test_a_mutated_record_loses_nothing_but_what_an_edit_replaces(group: int) -> None:
    for number in range(group, MUTANTS, GROUPS):
        assert_nothing_is_lost(mutated(random.Random(number)))


FRONTS = (
    "title: x\ndate: 2026-04-12\nstatus: draft\n",
    "status: in-review\n# whoever is paged\nowners: [a]\nopened: '2026-04-12T09:00+02:00'\ndate: "
    "2026-04-12\ntitle: x\nclocks:\n  first_impact: 2026-04-12 14:02+02:00\n"
    "  detected: 2026-04-12T16:51Z\n",
    "title: x\ndate: 2026-04-12\nkind: near-miss\nclocks: {first_warning: 2026-04-12T14:02:00Z, "
    "detected: 2026-04-12T14:00:00Z}\nsignoffs: [{owner: a, actions: [A3]}]\n",
)


def test_a_text_of_the_wild_behind_front_matter_loses_nothing(data: Path) -> None:
    files = sorted(path for path in (data / "wild-markdown").rglob("*") if path.is_file())
    changed = 0
    assert len(files) > 100
    for path in files:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        body = text[read(text).front.end :].split("---\n", 1)[-1] if text[:3] == "---" else text
        for front in FRONTS:
            record = f"---\n{front}---\n{body}"
            assert_nothing_is_lost(record)
            changed += fmt(record) != record
    assert changed > len(files)  # behind the second front matter each is changed
