"""Do secrets and people hide from redaction in an encoding, a name, a path or a message?

`test_redact` asks it of every kind and format; this file of disguises, and of every command.
The shares are printed by `python tests/bench/runs.py`.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from kb.traces.read_runs import read_runs
from kb.traces.redaction import Redactor
from kb.traces.run import Run

from canaries import BENIGN, PERSONAL, SHAPED
from hostile import ENCODED_PIECES, repeated
from test_cli import kb
from traces_made import answered, asked, call, run_of, written

CANARIES = {**SHAPED, **PERSONAL}
KEY, MAIL = SHAPED["GitHub classic"], PERSONAL["mail"]


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


DISGUISES: dict[str, Callable[[str], str]] = {
    "as itself": lambda t: t,
    "base64": in_base64,
    "base64 of a sentence": lambda t: in_base64(f"user refunds, {t}, once"),
    "base64 of JSON, URL-safe": lambda t: base64.urlsafe_b64encode(
        json.dumps({"value": t}).encode()
    ).decode().rstrip("="),
    "base64 in lines": lambda t: base64.encodebytes(f"{'x' * 90} {t} {'y' * 90}".encode()).decode(),
    "base64 twice": lambda t: in_base64(in_base64(t)),
    "hex": lambda t: t.encode().hex(),
    "URL-encoded": lambda t: "https://x.corp.test/?q=" + quote(f"{t} &", safe=""),
    "URL-encoded twice": lambda t: "q=" + quote(quote(f"{t} &", safe=""), safe=""),
    "every character URL-encoded": lambda t: "".join(f"%{byte:02X}" for byte in t.encode()),
    "HTML entities": lambda t: "".join(f"&#{ord(c)};" if c in "@.-_/ " else c for c in t),
}  # fmt: skip


def looked_through(text: str) -> str:
    redactor = Redactor()
    redactor.look(text)
    return redactor.rewrite(text)


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("kind", CANARIES)
def test_an_encoded_canary_is_found_and_taken_out(kind: str, disguise: str) -> None:
    hidden = DISGUISES[disguise](CANARIES[kind])
    out = looked_through(f"seen {hidden} there")
    assert hidden not in out
    assert "REDACTED_" in out


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("text", BENIGN)
def test_an_encoding_makes_nothing_of_benign_text(text: str, disguise: str) -> None:
    hidden = DISGUISES[disguise](text)
    assert looked_through(f"seen {hidden} there") == f"seen {hidden} there"


def test_what_is_encoded_within_a_text_goes_and_the_rest_stays() -> None:
    address = "https://x.corp.test/?mail=" + quote(MAIL, safe="") + "&page=2 says 100 % &amp; more"
    assert looked_through(address) == (
        "https://x.corp.test/?mail=REDACTED_EMAIL_1&page=2 says 100 % &amp; more"
    )


def test_the_same_value_has_one_placeholder_in_every_encoding() -> None:
    redactor = Redactor()
    texts = [MAIL, in_base64(MAIL), quote(MAIL, safe="")]
    assert [redactor.look(text) for text in texts] == [True, True, True]
    assert {redactor.rewrite(text) for text in texts} == {"REDACTED_EMAIL_1"}


def test_encoded_values_that_differ_beside_the_canary_stay_apart() -> None:
    redactor = Redactor()
    texts = [in_base64(f"{MAIL} {number}") for number in range(2)]
    assert [redactor.look(text) for text in texts] == [True, True]
    assert len({redactor.rewrite(text) for text in texts}) == 2


@pytest.mark.parametrize("piece", ENCODED_PIECES)
def test_hostile_encodings_are_looked_through_to_their_end(piece: str) -> None:
    """A square of this length would take hours; `scripts/bench hostile` measures the growth."""
    redactor = Redactor()
    text = f"{repeated(piece, 400_000)} {MAIL} "
    assert redactor.look(text)
    assert MAIL not in redactor.rewrite(text)


# Every place of a run, every command


def charged(**more: str) -> dict[str, Any]:
    """A run that charges twice and claims it, with a text in one place."""
    tool = more.get("tool", "charge")
    arguments = {more.get("key", "invoice"): more.get("argument", "7781")}
    calls = [call(1, tool, arguments), call(2, tool, arguments)]
    calls[0]["id"] = more.get("call id", "c1")
    first = answered(1, more.get("error", "Error: timed out"))
    first["tool_call_id"] = calls[0]["id"]
    schema = {"type": "object", "properties": {more.get("parameter", "invoice"): {}}}
    return {
        "id": more.get("run id", "night-1"),
        "task": more.get("task", "renewal"),
        "model": more.get("model", "m-1"),
        "tools": [{"type": "function", "function": {"name": tool, "parameters": schema}}],
        "messages": [
            {"role": more.get("role", "user"), "content": more.get("request", "Renew 7781")},
            {**asked(calls[0]), "name": more.get("agent", "billing")},
            first,
            asked(calls[1]),
            answered(2, more.get("result", "ok")),
            {"role": "assistant", "content": more.get("claim", "Invoice 7781 has been charged.")},
        ],
    }


PLACES: dict[str, Callable[[str], dict[str, str]]] = {
    "request": lambda t: {"request": f"Renew it for {t}"},
    "claim": lambda t: {"claim": f"Invoice 7781 has been charged to {t}."},
    "error": lambda t: {"error": f"Error: refused for {t}"},
    "encoded result": lambda t: {"result": in_base64(t)},
    "argument": lambda t: {"argument": quote(f"for {t}")},
    "tool": lambda t: {"tool": f"charge_{t}"},
    "key": lambda t: {"key": t},
    "parameter": lambda t: {"parameter": t},
    **{
        name: lambda t, name=name: {name: t}  # type: ignore[misc]
        for name in ("call id", "run id", "task", "model", "role", "agent")
    },
}
COMMANDS = (
    ("run", "import", "FILE", "--force"),
    ("run", "show", "FILE", "--full", "--against", "passing.json"),
    ("run", "audit", "FILE", "--against", "passing.json"),
    ("run", "audit", "FILE", "--json"),
    ("run", "diff", "FILE", "passing.json"),
    ("run", "checkup", "FILE", "--draft", "1"),
    ("run", "checkup", "FILE", "--json", "--out", "checkup.json"),
    ("new", "--from-run", "FILE", "--against", "passing.json"),
)


def all_that_comes_of(file: str, folder: Path) -> str:
    """What every command prints of a trace, and every byte and name it leaves behind."""
    before = {path for path in folder.rglob("*") if path.is_file()}
    printed = ""
    for command in COMMANDS:
        _, out, err = kb(*(file if word == "FILE" else word for word in command), cwd=folder)
        assert "Traceback" not in err
        printed += out + err
    made = [path for path in folder.rglob("*") if path.is_file() and path not in before]
    left = [
        f"{path.relative_to(folder)}\n{path.read_bytes().decode('utf-8', 'replace')}"
        for path in made
    ]
    return printed + "".join(left)


def a_knowledge_base(folder: Path, passing: dict[str, Any]) -> Path:
    (folder / "postmortems").mkdir(parents=True)
    written(folder / "kb.toml", "")
    shorter = passing | {"messages": [*passing["messages"][:3], *passing["messages"][-1:]]}
    written(folder / "passing.json", shorter)
    return folder


@pytest.mark.parametrize("place", PLACES)
def test_no_command_lets_a_canary_out_of_any_place(place: str, tmp_path: Path) -> None:
    run = charged(**PLACES[place](f"{KEY} {MAIL}"))
    folder = a_knowledge_base(tmp_path, run)
    written(folder / "trace.json", run)
    out = all_that_comes_of("trace.json", folder)
    assert KEY not in out
    assert MAIL not in out


@pytest.mark.parametrize("file", ["{}.json", "{}/trace.json", "night of {}.json"])
@pytest.mark.parametrize("content", [charged(), {"weather": "fine"}])
def test_no_command_tells_a_canary_in_the_name_of_a_file(
    file: str, content: Any, tmp_path: Path
) -> None:
    folder = a_knowledge_base(tmp_path, charged())
    path = file.format(f"{KEY} {MAIL}")
    written(folder / path, content)
    out = all_that_comes_of(path, folder)
    assert KEY not in out
    assert MAIL not in out


def test_files_that_are_shown_alike_are_read_each_and_drafted_by_nobody(tmp_path: Path) -> None:
    folder = a_knowledge_base(tmp_path, charged())
    (folder / "kb.toml").write_text('[runs.effects]\ncharge = "write"\n', encoding="utf-8")
    for number, mail in enumerate(("anna@" + "gmail.com", "bert@" + "gmail.com")):
        written(folder / "week" / f"{mail}.json", charged(request=f"Renew {number}"))
    status, out, err = kb("run", "checkup", "week", "--draft", "2", cwd=folder)
    assert status == 0
    assert "2 runs in 2 files" in out
    assert err.count("no draft: 2 files are shown as week/REDACTED_EMAIL_1.json") == 2
    assert "2 runs in 2 files" in kb("run", "checkup", "week", cwd=folder)[1]


def test_the_name_of_a_file_shares_the_placeholders_of_its_run(tmp_path: Path) -> None:
    other = "anna@" + "gmail.com"
    path = written(tmp_path / f"{MAIL}.json", charged(request=f"Renew it for {other}, not {MAIL}"))
    (run,) = read_runs(path)
    assert run.provenance.file == "REDACTED_EMAIL_2.json"
    assert run.messages[0].text == "Renew it for REDACTED_EMAIL_1, not REDACTED_EMAIL_2"


# Shares


def recall() -> dict[str, tuple[int, int]]:
    """Disguise to how many canaries are found in it, of how many."""
    found: Counter[str] = Counter()
    for name, disguise in DISGUISES.items():
        for canary in CANARIES.values():
            hidden = disguise(canary)
            found[name] += hidden not in looked_through(f"seen {hidden} there")
    return {name: (found[name], len(CANARIES)) for name in DISGUISES}


def replaced(runs: list[Run]) -> Counter[str]:
    """Kind to how many different values were replaced in runs, each counted once a run."""
    return Counter(each.kind for run in runs for each in run.redaction.placeholders)


def test_recall_is_whole_and_real_runs_lose_few_values(data: Path) -> None:
    assert all(found == of for found, of in recall().values())
    airline = list(read_runs(data / "runs" / "tau-airline-gpt-4o-even-tasks.json"))
    logs = list(read_runs(data / "runs" / "whowhen-algorithm-generated.jsonl"))
    assert sum(replaced(airline).values()) <= LOST_IN_AIRLINE
    assert sum(replaced(logs).values()) <= LOST_IN_LOGS


LOST_IN_AIRLINE = 2
#: Read by hand: 9 phone numbers and mail addresses of firms on pages the agents read, one address
#: of a client, and the folders of an agent's program below /home, which look like accounts.
LOST_IN_LOGS = 110


def test_a_run_without_anything_to_hide_is_unchanged(tmp_path: Path) -> None:
    run = run_of(tmp_path, charged())
    assert run.redaction.placeholders == ()
