"""Coverage-guided fuzzing of what strangers send: `python tests/fuzz.py TARGET [OPTION]…`.

An option is one of libFuzzer, such as `-max_total_time=90 -rss_limit_mb=1024 -timeout=5`. What is
found lies in the working directory as `crash-…`, `slow-unit-…` or `timeout-…`; fixed, and made
small, it becomes a case of `test_fuzz_finds.py`. A folder that is named keeps the corpus.
"""

from __future__ import annotations

import copy
import importlib
import json
import pkgutil
import random
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["kb"]):
    import kb

    # What functions import later shall be watched, too.
    for module in pkgutil.walk_packages(kb.__path__, "kb."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    import fuzz_targets
    import fuzz_targets_of_tools
    import test_fmt_mutations

HERE = Path(__file__).resolve().parent
ODD_VALUES: tuple[object, ...] = (
    None, True, 0, -1, 1.5, 1e308, 2**53, 2**64, 10**400, "", "\0", "\ud800", "\u202e", "unknown",
    "2026-04-12T03:14:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01", 1_776_000_000, 1e18, [], {},
    [[]], {"": {}}, "tool_call", "assistant", "[1]", '{"a": 1}', "a@b.example", "-" * 70, 10**15,
    "$.calls[?@.arguments]", "$.text", "count", "contains", "matches", "(a+)+$", [1, None],
)  # fmt: skip
#: What may stand behind `=` or `:` of a setting, in TOML or YAML.
ODD_SETTINGS = (
    '""', "''", "true", "0", "-1", "1e400", "9" * 20, "9" * 5000, "2026-01-01", "12:30", "null",
    "~", '"\\u0000"', '"~nouser/x"', '"~"', '"../x"', '"/"', '"/dev/zero"', '"a\\nb"',
    '"\\u001b[31m"', "x", '"\\u202e"', "[]", "{}", '[""]', '{"" = ""}', "{a = 1}", "{a: [b]}",
    "[[a]]", '["a", 1]', "&a [*a]", "!!python/name:os.system", "!x {<<: {a: b}}", "|\n  <script>",
    '"a requires b before it"', "nan", '"KB101"', '"[a-"', '"(?P<x"', '"*"', '"é𝄞"', "{? [a] : b}",
    "!!set {a}", "!!binary AA==", "=", '!!int ""', "!!bool x", "!!timestamp x", '!!float "-"',
)  # fmt: skip

Mutator = Callable[[bytes, int, random.Random], bytes]


def json_changed(raw: bytes, most: int, chance: random.Random) -> bytes:
    """JSON, or lines of it, with a value changed, doubled or left out; or changed bytes."""
    try:
        rows = [json.loads(raw)]
    except (ValueError, RecursionError):
        try:
            rows = [json.loads(line) for line in raw.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            rows = []
    if not rows or chance.random() < 0.3:
        return bytes_changed(raw, most, chance)
    for _ in range(chance.randint(1, 3)):
        _change(rows, chance)
    return b"\n".join(json.dumps(row).encode() for row in rows)


def _change(rows: list[Any], chance: random.Random) -> None:
    places = [*_places(rows)]
    holder, key = chance.choice(places) if places else (rows, len(rows))
    other, other_key = chance.choice(places) if places else (rows, len(rows))
    value = other[other_key] if places else None
    kind = chance.choice(("odd", "odd", "copy", "drop", "add", "text", "wrap"))
    if kind == "drop" and places:
        del holder[key]
    elif kind == "add" and isinstance(holder, list):
        holder.insert(key, json.loads(json.dumps(value)))
    elif kind == "copy" and places:
        holder[key] = json.loads(json.dumps(value))
    elif kind == "text" and places and isinstance(holder[key], str):
        changed = bytes_changed(holder[key].encode("utf-8", "surrogatepass"), 200, chance)
        holder[key] = changed.decode("utf-8", "replace")
    elif kind == "wrap" and places:
        holder[key] = chance.choice(([holder[key]], {"x": holder[key]}, json.dumps(holder[key])))
    elif places:
        holder[key] = copy.deepcopy(chance.choice(ODD_VALUES))


def _places(value: Any) -> Any:
    """Every place in a value that holds another."""
    for key in [*value] if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def lines_changed(raw: bytes, most: int, chance: random.Random) -> bytes:
    """A record with a line or a word changed to what somebody might have written, or bytes."""
    if chance.random() < 0.4:
        return bytes_changed(raw, most, chance)
    text = raw.decode("utf-8", "surrogateescape")
    change = chance.choice((test_fmt_mutations.other_line, test_fmt_mutations.other_word))
    return change(text, chance).encode("utf-8", "surrogateescape")


def settings_changed(raw: bytes, most: int, chance: random.Random) -> bytes:
    """Settings with the value of a key changed, a line moved, doubled or left out, or bytes."""
    lines = raw.splitlines()
    if not lines or chance.random() < 0.3:
        return bytes_changed(raw, most, chance)
    here, there = (chance.randrange(len(lines)) for _ in range(2))
    kind = chance.choice(("value", "value", "value", "drop", "double", "move", "key"))
    key, sign, value = re.split(rb"([:=] ?|$)", lines[here], maxsplit=1)
    if kind == "value":
        lines[here] = key + (sign or b"= ") + chance.choice(ODD_SETTINGS).encode()
    elif kind == "key":
        lines[here] = bytes_changed(key, 40, chance) + sign + value
    elif kind == "drop":
        del lines[here]
    else:
        lines.insert(there, lines.pop(here) if kind == "move" else lines[here])
    return b"\n".join(lines)


def bytes_changed(raw: bytes, most: int, _: random.Random) -> bytes:
    """What libFuzzer itself makes of it, its dictionary included."""
    return bytes(atheris.Mutate(raw, max(most, 1)))


MUTATORS: dict[str, Mutator] = {
    "record": lines_changed,
    "front-matter": lines_changed,
    "kb-toml": settings_changed,
    "site-settings": settings_changed,
    "trace": json_changed,
    "fixture": json_changed,
    "mcp": json_changed,
    "lsp": json_changed,
}


TARGETS = fuzz_targets.TARGETS | fuzz_targets_of_tools.TARGETS


def main() -> None:
    """Fuzz one target until libFuzzer is told to stop, or something is found."""
    name, *options = sys.argv[1:]
    target = TARGETS[name]
    change = MUTATORS.get(name, bytes_changed)
    target.run(next(target.seeds()))  # what is done once a process is no slow unit
    with tempfile.TemporaryDirectory(prefix="kb-fuzz-seeds-") as seeds:
        for number, raw in enumerate(target.seeds()):
            Path(seeds, f"{number:04d}").write_bytes(raw)
        folders = [each for each in options if not each.startswith("-")]
        flags = [each for each in options if each.startswith("-")]
        defaults = [f"-dict={HERE / 'fuzz.dict'}", f"-max_len={target.most_bytes}"]
        atheris.Setup(
            [sys.argv[0], *defaults, *flags, *(folders or [tempfile.mkdtemp()]), seeds],
            target.run,
            custom_mutator=lambda raw, most, seed: change(raw, most, random.Random(seed))[:most],
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
