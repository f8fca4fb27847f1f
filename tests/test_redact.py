"""Does anything that must not leave get out? Canaries in every format, place and disguise."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kb.errors import KbError
from kb.library import open_library
from kb.lint.runner import check
from kb.traces.fixture import Blobs, fixture_chunks, write_fixture
from kb.traces.read_runs import ReadingSettings, read_runs
from kb.traces.redaction import is_secret_key
from kb.traces.render import View, timeline
from kb.traces.run import Run

from canaries import BENIGN, NAMED, PERSONAL, SHAPED
from conftest import EXAMPLE
from test_cli import kb
from traces_made import FORMATS, answered, asked, call, lines, run_of, runs_in, written

TODAY = date(2026, 6, 1)
#: What of a canary is the secret, where that is not all of it.
SECRET_PART: dict[str, Callable[[str], str]] = {
    "connection string": lambda v: v.split(":")[2].partition("@")[0],
    "connection string without user": lambda v: v.split(":")[2].partition("@")[0],
    "curl": lambda v: v.split(":")[1].partition(" ")[0],
    "YAML": lambda v: v.split("'")[1],
    "mail in brackets": lambda v: v.split("<")[1][:-1],
    "named phone": lambda v: v.partition(": ")[2],
    **{
        f"password that begins with {what}": lambda v: v.split(":")[2].partition("@db")[0]
        for what in ("my", "new", "secret", "a dollar")
    },
    "password with an at sign": lambda v: v.split(":")[2].partition("@db")[0],
    "German phone, dialled": lambda v: v.partition(" ")[2],
    "British phone, dialled": lambda v: v.partition(" ")[2],
    "phone in a sentence": lambda v: v.split()[-1],
    "Visa after a name": lambda v: v.partition("_")[2],
    "account number": lambda v: v.partition(": ")[2],
    "named social security": lambda v: v.partition(": ")[2],
    "forwarded address": lambda v: v.partition(": ")[2],
    "Slack webhook": lambda v: v.partition("/services/")[2],
    "log in": lambda v: v.rpartition(" ")[2].rstrip("!"),
    "log in as somebody": lambda v: v.rpartition(" ")[2].rstrip("!"),
    "NHS number": lambda v: v.partition("number ")[2],
    "Canadian social insurance": lambda v: v.partition("number ")[2],
    "Aadhaar": lambda v: v.partition(": ")[2],
    "Spanish DNI": lambda v: v.split()[1],
    "German tax number": lambda v: v.partition(" ")[2],
    "Dutch BSN": lambda v: v.split()[1],
    "Polish PESEL": lambda v: v.split()[1],
    "Swedish personnummer": lambda v: v.split()[1],
    "Azure shared access": lambda v: v.partition("=")[2].rstrip("="),
    "Azure storage": lambda v: v.partition("=")[2].rstrip("="),
    "Go declaration": lambda t: t.split('"')[1],
    "curl without a user": lambda t: t.split('"')[1].removeprefix(":"),
    "storage key": lambda t: t.split('"')[1],
}


def secret_of(kind: str) -> str:
    value = {**SHAPED, **NAMED, **PERSONAL}[kind]
    if kind in SECRET_PART:
        return SECRET_PART[kind](value)
    if kind in NAMED:
        return value.split()[-1].rstrip("=").rpartition("=")[2]
    return value


def all_that_leaves(run: Run) -> str:
    """Every byte a run puts into files, and every character it puts on a terminal."""
    blobs = Blobs()
    raw = b"".join(fixture_chunks(run, blobs)) + b"".join(blobs.values())
    shown = "\n".join("".join(p.text for p in line) for line in timeline(run, View(full=True)))
    return raw.decode() + shown


def chat(**more: Any) -> dict[str, Any]:
    """Messages with something in one place."""
    return {
        "messages": [
            asked(call(1, "look", more.get("arguments", {}))),
            answered(1, more.get("result", "ok")),
            {"role": "assistant", "content": more.get("text", "done"), **more.get("beside", {})},
        ]
    }


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def streamed(text: str) -> dict[str, Any]:
    """A recorded answer that carries the text in pieces, as words and within arguments."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "role": "assistant"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
        {"type": "content_block_start", "index": 1,
         "content_block": {"type": "tool_use", "id": "t", "name": "look"}},
    ]  # fmt: skip
    for index, kind, key, whole in (
        (0, "text_delta", "text", text),
        (1, "input_json_delta", "partial_json", json.dumps({"q": text})),
    ):
        events += [
            {"type": "content_block_delta", "index": index, "delta": {"type": kind, key: piece}}
            for piece in cut(whole, 5)
        ]
    body = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
    return {"status": 200, "headers": {}, "body": body}


def escaped(text: str) -> str:
    return '{"x": "' + "".join(f"\\u{ord(c):04x}" for c in text) + '"}'


def nested(text: str) -> str:
    for _ in range(3):
        text = json.dumps({"body": text})
    return text


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "in prose": lambda t: chat(text=f"The run logged {t} and went on."),
    "in a result": lambda t: chat(result=f"got {t} back"),
    "in arguments": lambda t: chat(arguments={"note": f"use {t}"}),
    "in an error": lambda t: chat(result=f"Error: refused for {t}"),
    "in JSON in JSON": lambda t: chat(result=nested(f"see {t}")),
    "escaped": lambda t: chat(result=escaped(f"see {t}")),
    "in a key": lambda t: chat(arguments={f"see {t}": 1}),
    "in an unknown header": lambda t: chat(
        beside={"http": {"headers": [{"name": "x-debug", "value": f"see {t}"}]}}
    ),
    "split over deltas": lambda t: chat(
        beside={"chunks": [{"delta": {"text": piece}} for piece in cut(f"see {t} there", 5)]}
    ),
    "split over texts": lambda t: chat(beside={"chunks": cut(f"see {t} there", 7)}),
    "streamed": lambda t: streamed(f"see {t} there"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", [*SHAPED, *NAMED, *PERSONAL])
def test_a_canary_never_leaves(kind: str, place: str, tmp_path: Path) -> None:
    value = {**SHAPED, **NAMED, **PERSONAL}[kind]
    out = all_that_leaves(run_of(tmp_path, PLACES[place](value)))
    assert secret_of(kind) not in out
    assert json.dumps(secret_of(kind))[1:-1] not in out
    assert "REDACTED_" in out


@pytest.mark.parametrize("place", PLACES)
def test_the_canaries_would_be_seen_without_redaction(place: str, tmp_path: Path) -> None:
    value = PLACES[place](SHAPED["GitHub classic"])
    out = all_that_leaves(run_of(tmp_path, value, redact=False))
    assert SHAPED["GitHub classic"] in out or place.startswith(("split", "escaped"))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", ["OpenAI project", "mail", "Visa"])
def test_no_format_lets_a_canary_through(name: str, kind: str, tmp_path: Path) -> None:
    value = {**SHAPED, **PERSONAL}[kind]
    (run,) = runs_in(written(tmp_path / "trace.json", FORMATS[name](value)))
    assert value not in all_that_leaves(run)


@pytest.mark.parametrize("text", BENIGN)
def test_benign_text_is_left_as_it_is(text: str, tmp_path: Path) -> None:
    run = run_of(tmp_path, chat(text=text))
    assert run.messages[-1].text == text
    assert run.redaction.placeholders == ()


@pytest.mark.parametrize(
    "key",
    ["authorization", "Authorization", "x-api-key", "apiKey", "api_key", "password", "DB_PASSWORD",
     "client_secret", "access_token", "refreshToken", "set-cookie", "OPENAI_API_KEY", "cookie",
     "secretAccessKey", "http.request.header.authorization", "pwd", "otp"],
)  # fmt: skip
def test_a_value_under_the_name_of_a_secret_goes_whatever_it_looks_like(
    key: str, tmp_path: Path
) -> None:
    for beside in (
        {"headers": {key: "plainword"}},
        {"headers": [{"name": key, "value": "plainword"}]},
    ):
        assert "plainword" not in all_that_leaves(run_of(tmp_path, chat(beside=beside)))


@pytest.mark.parametrize(
    "key",
    ["idempotency_key", "max_tokens", "cache_key", "keyboard", "tokens", "author", "secretary"],
)
def test_names_that_only_sound_like_secrets_are_none(key: str) -> None:
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    ("key", "value"),
    [("phone", "41586" + "75309"), ("ssn", "2190" + "99999"), ("cvv", "731"),
     ("account_number", "77401" + "93385"), ("client_ip", "5.9." + "23.17")],
)  # fmt: skip
def test_digits_under_the_name_of_something_personal_go(
    key: str, value: str, tmp_path: Path
) -> None:
    run = run_of(tmp_path, chat(arguments={key: value}))
    assert str(run.calls[0].arguments[key]).startswith("REDACTED_")


def test_a_working_folder_is_no_password(tmp_path: Path) -> None:
    run = run_of(tmp_path, chat(arguments={"PWD": "/workspace/app"}))
    assert run.calls[0].arguments == {"PWD": "/workspace/app"}


def test_a_password_told_once_is_taken_out_everywhere(tmp_path: Path) -> None:
    secret = "Xk29" + "fjwQ11z"
    run = run_of(tmp_path, chat(text=f"I used {secret}.", result=f"password: {secret}"))
    assert run.messages[-1].text == "I used REDACTED_SECRET_1."
    assert run.calls[0].result == "password: REDACTED_SECRET_1"


def test_a_password_at_the_end_of_a_sentence_is_taken_out_without_its_dot(tmp_path: Path) -> None:
    told = {"role": "user", "content": "password: hunter2xyz. Use it."}
    run = run_of(tmp_path, {"messages": [told, asked(call(1, "login", {"with": "hunter2xyz"}))]})
    assert run.calls[0].arguments == {"with": "REDACTED_SECRET_1"}


def test_equal_values_stay_equal_and_unequal_ones_stay_apart(tmp_path: Path) -> None:
    one, two = "anna@" + "gmail.com", "bert@" + "gmail.com"
    rows = [asked(call(n, "mail", {"to": to})) for n, to in enumerate((one, two, one.upper()), 1)]
    names = [c.arguments["to"] for c in run_of(tmp_path, rows).calls]
    assert names == ["REDACTED_EMAIL_1", "REDACTED_EMAIL_2", "REDACTED_EMAIL_1"]


def test_json_stays_json_and_the_rest_of_a_text_stays(tmp_path: Path) -> None:
    mail = "anna@" + "gmail.com"
    run = run_of(tmp_path, chat(result=json.dumps({"to": mail, "n": [1, 2.5, None]})))
    assert json.loads(run.calls[0].result) == {"to": "REDACTED_EMAIL_1", "n": [1, 2.5, None]}


def test_the_home_of_a_person_is_taken_out_and_that_of_a_machine_is_not(tmp_path: Path) -> None:
    text = "/Users/mkeller/src, /home/runner/work, https://x.org/home/whats-new, C:\\Users\\mkeller"
    run = run_of(tmp_path, chat(text=text))
    assert run.messages[-1].text == (
        "/Users/REDACTED_USER_1/src, /home/runner/work, https://x.org/home/whats-new, "
        "C:\\Users\\REDACTED_USER_1"
    )


def test_a_card_number_written_as_a_number_goes(tmp_path: Path) -> None:
    run = run_of(tmp_path, chat(arguments={"pan": int(PERSONAL["Visa"]), "n": 1775963640000}))
    assert run.calls[0].arguments == {"pan": "REDACTED_CARD_1", "n": 1775963640000}


def test_what_is_allowed_stays(tmp_path: Path) -> None:
    text = "ask desk@" + "acme.org and anna@" + "gmail.com"
    run = run_of(tmp_path, chat(text=text), allow=("*@acme.org",))
    assert run.messages[-1].text == "ask desk@" + "acme.org and REDACTED_EMAIL_1"


def test_the_report_counts_and_never_shows_a_value(tmp_path: Path) -> None:
    mail = "anna@" + "gmail.com"
    run = run_of(tmp_path, chat(text=f"{mail} {mail}", result=mail))
    (placeholder,) = run.redaction.placeholders
    assert (placeholder.name, placeholder.kind) == ("REDACTED_EMAIL_1", "e-mail address")
    assert (placeholder.count, placeholder.fingerprint) == (3, "")


def test_fingerprints_align_two_runs_and_need_the_same_key(tmp_path: Path) -> None:
    first = written(tmp_path / "a.json", chat(text="anna@" + "gmail.com"))
    second = written(tmp_path / "b.json", chat(text="bert@x." + "de, anna@" + "gmail.com"))

    def prints(path: Path, key: bytes) -> dict[str, str]:
        (run,) = read_runs(path, ReadingSettings(key=key))
        return {p.name: p.fingerprint for p in run.redaction.placeholders}

    ours, theirs = prints(first, b"k" * 32), prints(second, b"k" * 32)
    assert ours["REDACTED_EMAIL_1"] == theirs["REDACTED_EMAIL_2"]
    assert prints(first, b"o" * 32) != ours


def test_the_local_key_is_made_once_and_for_this_user_only(library_folder: Path) -> None:
    written(library_folder / "trace.json", chat(text="anna@" + "gmail.com"))
    for name in ("one.json", "two.json"):
        assert kb("run", "import", "trace.json", "-o", name, cwd=library_folder)[0] == 0
    key = library_folder / ".kb/redaction.key"
    assert key.stat().st_mode & 0o777 == 0o600
    one, two = (library_folder / name for name in ("one.json", "two.json"))
    assert one.read_bytes() == two.read_bytes()
    assert b'"kb.fingerprint":"' in one.read_bytes()


def test_redaction_is_left_out_only_when_asked_for_and_the_check_refuses_it(
    example_library: Path,
) -> None:
    written(example_library / "trace.json", chat(text="anna@" + "gmail.com"))
    target = example_library / "postmortems" / EXAMPLE.stem / "fixture.json"
    status, out, _ = kb(
        "run", "import", "trace.json", "-o", str(target), "--no-redact", "--force",
        cwd=example_library,
    )  # fmt: skip
    assert (status, "NOT REDACTED" in out) == (0, True)
    rules = {problem.rule for problem in check(open_library(example_library), today=TODAY).problems}
    assert "KB905" in rules
    kb("run", "import", "trace.json", "-o", str(target), "--force", cwd=example_library)
    rules = {problem.rule for problem in check(open_library(example_library), today=TODAY).problems}
    assert "KB905" not in rules


def test_no_message_to_a_person_quotes_a_secret(tmp_path: Path) -> None:
    key = SHAPED["OpenAI project"]
    for name, content in {
        "env": f"OPENAI_API_KEY={key}\n",
        "keys.json": json.dumps({key: 1}),
        "notes.yaml": f"--- {key}\n- : [\n",
        "fixture.json": json.dumps({"schema": "kb.run/1", "kb.run.id": [key]}),
    }.items():
        with pytest.raises(KbError) as caught:
            runs_in(written(tmp_path / name, content))
        assert key not in str(caught.value), name
        status, out, err = kb("run", "show", name, cwd=tmp_path)
        assert status == 2
        assert key not in out + err


def test_a_canary_reaches_neither_the_files_nor_the_terminal(tmp_path: Path) -> None:
    key, mail = SHAPED["Anthropic"], PERSONAL["mail"]
    rows = lines(*(FORMATS["messages"](text) for text in (key, mail)))
    written(tmp_path / "log.jsonl", rows)
    printed = "".join(
        "".join(kb("run", *arguments, cwd=tmp_path)[1:])
        for arguments in (
            ("import", "log.jsonl", "-o", "out"),
            ("import", "log.jsonl", "--run", "1", "-o", "-"),
            ("import", "log.jsonl", "-o", "more", "--json"),
            ("show", "log.jsonl"),
            ("show", "log.jsonl", "--run", "2", "--full"),
            ("show", "log.jsonl", "--run", "1", "--json"),
        )
    )
    files = [f for f in tmp_path.rglob("*") if f.is_file() and f.name != "log.jsonl"]
    everything = printed + "".join(f.read_text("utf-8") for f in files)
    assert len(files) == 4
    assert key not in everything
    assert mail not in everything


def test_benign_data_keeps_almost_everything(data: Path) -> None:
    """False positives on runs with made-up people: kinds whose values a reader finds harmless."""
    kinds: dict[str, int] = {}
    characters = 0
    for name in ("tau-airline-gpt-4o-even-tasks.json", "whowhen-algorithm-generated.jsonl"):
        characters += (data / "runs" / name).stat().st_size
        for run in read_runs(data / "runs" / name):
            for each in run.redaction.placeholders:
                kinds[each.kind] = kinds.get(each.kind, 0) + 1
    assert characters > 3_000_000
    assert kinds.keys() <= {"e-mail address", "phone number", "account of a person", "IP address"}


def test_a_fixture_is_written_with_its_redaction(tmp_path: Path) -> None:
    run = run_of(tmp_path, chat(text="anna@" + "gmail.com"))
    write_fixture(run, tmp_path / "fixture.json")
    value = json.loads((tmp_path / "fixture.json").read_text("utf-8"))
    assert value["kb.redaction"]["kb.applied"] is True
    assert value["kb.redaction"]["kb.placeholders"][0]["kb.count"] == 1
