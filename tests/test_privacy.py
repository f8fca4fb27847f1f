"""Are secrets and personal data seen, wherever they hide, and is benign text left alone?"""

from __future__ import annotations

import base64
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

import pytest
from kb.config import CheckConfig
from kb.library import open_library
from kb.lint.readings.attachments import decoded, files_beside, read_decoded
from kb.lint.registry import all_rules
from kb.lint.report import FORMATS, render
from kb.lint.rule import LintContext, Problem, run_rules
from kb.lint.runner import check
from kb.records.document import read_document
from kb.records.form import build_form
from kb.sensitive.names.internal_addresses import find_places
from kb.sensitive.personal_data import find_personal_data
from kb.sensitive.secrets.find_secrets import find_secrets
from kb.sensitive.secrets.known_formats import FORMATS_FILE, formats, listed
from kb.sensitive.secrets.randomness import Detection

from canaries import (
    ALNUM,
    BENIGN,
    NAMED,
    PERSONAL,
    SHAPED,
    WRAPPINGS,
    drawn,
    grouped,
    nested,
)
from hostile import SECRET_PIECES, repeated

NAME = "2026-04-12-canary.md"
Find = Callable[[str], Iterator[Detection]]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("kind", [*SHAPED, *NAMED])
def test_a_secret_is_seen(kind: str, wrapping: str) -> None:
    value = {**SHAPED, **NAMED}[kind]
    text = decoded(WRAPPINGS[wrapping](value)).text
    assert list(find_secrets(text)), f"{kind} was not seen in {wrapping}"


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("kind", PERSONAL)
def test_personal_data_is_seen(kind: str, wrapping: str) -> None:
    text = decoded(WRAPPINGS[wrapping](PERSONAL[kind])).text
    assert list(find_personal_data(text)), f"{kind} was not seen in {wrapping}"


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("read as uint64.stream, then self.run", 0),
        ("acme.stream is down", 1),
        ("uint64.stream/status is down", 1),
        ("prod.uint64.stream is down", 1),
        ("uint64.com is down", 1),
    ],
)
def test_a_name_in_code_is_no_host(text: str, hosts: int) -> None:
    assert [place.kind for place in find_places(text)] == ["Host"] * hosts


@pytest.mark.parametrize("sign", ["\u200b", "\u00ad", "\u2060", "\ufeff"])
def test_characters_without_width_hide_no_key(library_folder: Path, sign: str) -> None:
    value = SHAPED["GitHub classic"]
    hidden = f"{value[:9]}{sign}{value[9:20]}{sign}{value[20:]}"
    (found,) = problems(library_folder, f"\nIt used {hidden} twice.\n")
    assert (found.rule, found.line, found.length) == ("KB901", 7, len(hidden))


@pytest.mark.parametrize("before", ["mattermost '", 'Mux "', 'app_secret := " ', "app-token: ' "])
def test_a_value_is_seen_alone_in_quotes_behind_a_vendor_and_behind_a_space(before: str) -> None:
    value = drawn(ALNUM, 32)
    quote = before.strip()[-1]
    (found,) = find_secrets(
        f"{before}{value} {quote}" if before[-1] == " " else before + value + quote
    )
    assert (found.start, found.end) == (len(before), len(before) + len(value))
    assert not list(find_secrets(f"{before}see the guide for more {quote}"))


#: Values that no issuer gave out, put together here so that no scanner of this tree finds them.
_DRAWN = "k7Qd2Xw9" + "Rz4Lm8Tn" + "5Vb1Hc6Y" + "3Jf0Pg"
_HEX = "7c1e94b2" + "d05fa836" + "e1b97420" + "c58d3f6a"
_UUID = "8f2c41d7-" + "93be-4a05-" + "b6d1-2e7fc09a5b38"


@pytest.mark.parametrize(
    "text",
    [
        f"root:$6$Qx81mPz4${'aB3./kQz9w' * 8}Qx81mP:19000:0:99999:7:::",
        f"hash is $2b$12${'aB3./kQz9w' * 5}Qz8",
        f"odt_{_DRAWN}9Z",
        f"secret_id={_UUID}",
        f'{{"auths": {{"quay.io": {{"auth": "{_DRAWN}9Zw"}}}}}}',
        f'{{"kty": "OKP", "crv": "Ed25519", "d": "{_DRAWN}"}}',
        f'key = "-----BEGIN PRIVATE KEY-----\\n" +\n   "{_DRAWN}9Zw"',
        "ID:master,PW:dipRe17Gk!",
        "my_pw: nCzx8A8#!",
        "PSWD:=HuqoGe7HeIm14",
        "token=QhqZ5Xyb1Gga9Q0",
        "--token QhqZ5Xyb1Gga9Q0",
        'def connect(passwd: str = "cq2tPr1a2"):',
        'x = env.get("PASSWORD") or "zt7G5qi!m"',
        f'easy_setopt(curl, CURLOPT_PASSWORD, "{_DRAWN}");',
        f'variable "api_token" {{\n  default = "{_DRAWN}"\n}}',
        f"docker login registry.example.io -u me -p {_DRAWN}",
        f"statuspage_key = {_UUID}",
        f"clockify TOKEN {_DRAWN}",
        f'os.environ["ACME_KEY"] = "{_DRAWN}"',
        f'ACME_TOKEN ?= "{_DRAWN}"',
        f'ACME_TOKEN :::= "{_DRAWN}"',
        f'dict["api_key"] ||= b"{_DRAWN}"'.replace("||=", "="),
        f'<add key="AcmeToken" value="{_DRAWN}" />',
        f'<Pass encoding="base64">{_DRAWN}Zw==</Pass>',
        f"APP_KEY=base64:{_DRAWN}Zw=",
        "SECRET_KEY = 'zq!=!hq(w^_t[tBR38164x)HJ+$fhwtt*xZMQfv([xdWNidaasr'",
        'password = "xK(9d&,7;w"',
        "CREATE USER 'me'@'localhost' IDENTIFIED BY 'SrlQb6tX1sE';",
        'new NetworkCredential("me@acme.io", "x7fK2m9q!")',
        'conn = psycopg2.connect("db", "me", "x7fK2m9q!")',
        'if "x7fK2m9q!" == password:',
        'if ("x7fK2m9q!".equals(password)) {',
        f"acme-secret-{_HEX}",
        f"ACMETOKEN.{_DRAWN}",
        f"acme-corp-token {_UUID}".replace("-corp-token ", "-token-"),
        f"the token for the acme account is then {_DRAWN}9Zw",
        f"see acme_live_{_DRAWN}9Zw",
        f"see acme_sk_{_HEX}",
        f"see zorblat_{_DRAWN}9Zwa",
        f"run it with --acme-token {_DRAWN}",
        f"run it with --oauth2-bearer {_DRAWN}",
        f'ai21 = "{_UUID}"',
        "activation key: K7QDX-XWJRZ-LMKTN-VBHCY-JPGRW",
        "98.76.54.32 (pw:KhqTb1Hg)",
        'token = "m4mulq8z3rk1pcu"',
        f"https://me@acme.io:{_DRAWN}@github.com",
        f'{{"kty": "RSA", "d": "{_DRAWN * 2}"}}',
        f"formio_key = eyJ{'hbGciOiJIUzI1NiJ9'}.{_DRAWN}{_DRAWN}",
        'DB_PASSWORD="Winter2023!&2"',
        'password = "correcthorse9)"',
        '"password": "Tr0ub4dor[x9"',
        "secret_key = 'S3cr3tPass99x9,x9'",
        "mysql://root:Tr0ub4dor#{9@db.x/y",
        "postgres://app:Xk92${mQpz7@db/x",
        "postgres://app:Xk92{{mQpz7@db/x",
        "postgres://app:Xk92$(mQpz7@db/x",
        "postgres://app:Xk92%{mQpz7@db/x",
        "agent-cli -token S3cr3tPass99x9 --passive",
        "tool -secret S3cr3tPass99x9",
        "tool -pass S3cr3tPass99x9",
        "tool -api-key S3cr3tPass99x9",
        "wget --password-file x -u me:S3cr3tPass99x9",
        "password\n  : Tr0ub4dor&3x",
        "GRANT ALL ON db.* TO 'me'@'localhost' IDENTIFIED BY SrlQb6tX1sE;",
        "IDENTIFIED BY 'SrlQb6tX1sE'",
        f"auth:{_HEX}",
        "$6$rounds=656000$abcdefghijlkmnop$" + "f1Rm0emGg3fk1OByu8GwJ7Ghm3zijf/qCRsrqZD83dVed"
        "O7sorUsj2bK6NAOD2XHdrIQ8GZCMfGPvIg7Ag4TX1",
        '{"card": "4929 1234 5678 9015 ' + '", "cvv": "731"}',
        "order 4000123412341239 was paid, cvv: 552",
    ],
)
def test_what_others_tests_held_and_was_missed_is_seen(text: str) -> None:
    assert list(find_secrets(text))


@pytest.mark.parametrize(
    "text",
    [
        f'"authorization": "AWS4-HMAC-SHA256 Credential=ASIATEST/20250626/x, Signature={_HEX * 2}"',
        f"{'AAADhxAAAhZWiAAAvogA+PUA' * 4}+EAAC2z{_DRAWN}",
        f"ZXMifU/hu+EAAABxAAAATN76{_DRAWN}",
        'SECRET_KEY: "sk-lf-1234567890"',
        "postgresql://postgres:postgres@postgres:5432/postgres",
        'printf "%s" "$APPLE_API_KEY_CONTENT" > "$RUNNER_TEMP/AuthKey1.p8"',
        f"statuspage request {_UUID}",
        "langsmith.metadata.model: claude-sonnet-4-5-20250929",
        "mosquitto_passwd\n\n> Gebruikersdatabasebeheer",
        "load -p /config/pycsw.cfg -u http://ckan-ckan:5000",
        "username,password\nadmin,123\ntest_user,1234",
        "[user]\n    signingkey = A3F1E9C0B827D54E",
        'the token usage of "id": "toolu_01' + f'{_DRAWN}"',
        f"toolu_01{_DRAWN}",
        f"chatcmpl-{_DRAWN}",
        '"host_key_fingerprint": "' + f'{_DRAWN}9Zw"',
        'password = "${lookup(1)}&{{ b }}"',
        'connect("host", port, "utf8mb4")',
        "IDENTIFIED BY the operator",
        "the fault was identified by GrafanaOnCall2",
        "identified as RHEL8Beta",
        "| auth | PaymentsV2Gateway | down |",
        "auth > PaymentsV2Gateway20 > down",
        "auth: Keycloak24Operator",
        f"auth-{_UUID}",
        f"registry/auth:{_HEX}{_HEX[:8]}",
        f"app:prod-{_HEX}{_HEX[:8]}",
        f"api-{_HEX}{_HEX[:8]}",
        f"test-{_HEX}",
        f"key-{_HEX}{_HEX}",
        'password = "get_pass1word(x)"',
        "paid with 4111 1111 1111 1111, exp 12/30, cvv: 731",
        '{"card": "4929 1234 5678 9012", "cvv": "731"}',
        '{"cardNumber": "4929123456789012", "cvv": "731"}',
    ],
)
def test_what_others_documentation_held_and_was_taken_out_stays(text: str) -> None:
    assert not list(find_secrets(text))


def test_a_password_in_quotes_is_taken_out_whole() -> None:
    text = 'DB_PASSWORD="Winter2023!&2(x9"'
    (found,) = find_secrets(text)
    assert text[found.start : found.end] == "Winter2023!&2(x9"


def test_each_format_has_a_source_and_can_be_matched() -> None:
    rows = listed()
    assert len({row["id"] for row in rows["formats"]}) == len(rows["formats"])
    assert {row["source"] for row in rows["formats"]} == rows["sources"].keys()
    for row in formats():
        assert len(row.literal) > 1
        assert row.pattern.search(row.literal) is None, "a literal alone is no secret"


def test_the_list_has_one_row_a_line() -> None:
    text = FORMATS_FILE.read_text("utf-8")
    assert sum(line.startswith('{"id"') for line in text.splitlines()) == len(listed()["formats"])


@pytest.mark.parametrize("text", BENIGN)
def test_placeholders_and_documentation_values_are_left_alone(text: str) -> None:
    assert not list(find_secrets(text))
    assert not list(find_personal_data(text))


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("hide", [in_base64, lambda t: quote(t).replace("_", "%5F"), bytes.hex])
def test_a_secret_in_an_encoding_is_seen_where_it_stands(
    library_folder: Path, hide: Callable[[Any], str]
) -> None:
    value = "to" + "ken=" + SHAPED["GitHub classic"]
    hidden = hide(value.encode() if hide is bytes.hex else value)
    (found,) = problems(library_folder, f"\nIt sent https://x.corp.net/?t={hidden} twice.\n")
    assert (found.rule, found.line) == ("KB901", 7)
    beside(library_folder, json.dumps({"body": hidden}))
    rules = [problem.rule for problem in problems(library_folder, "\nNothing.\n")]
    assert rules == ["KB902"]


def test_personal_data_in_an_encoding_is_seen(library_folder: Path) -> None:
    text = f"\nIt opened https://x.corp.net/?to={quote(PERSONAL['mail'])} twice.\n"
    (found,) = problems(library_folder, text)
    assert found.rule == "KB903"


def test_a_private_key_in_a_quotation_is_seen(library_folder: Path) -> None:
    quoted = "\n".join(f"> {line}" for line in NAMED["private key"].split("\n"))
    (found,) = problems(library_folder, f"\n{quoted}\n")
    assert found.rule == "KB901"


def test_a_json_number_can_be_a_card_number() -> None:
    assert list(find_personal_data(decoded(json.dumps({"pan": int(PERSONAL["Visa"])})).text))


def test_a_name_and_its_value_stay_together_in_json() -> None:
    text = decoded(json.dumps({"config": {"pass" + "word": drawn(ALNUM, 14)}})).text
    assert [found.kind for found in find_secrets(text)] == ["password"]


def test_a_key_that_repeats_in_json_hides_nothing() -> None:
    hidden = SHAPED["GitHub classic"]
    text = decoded(f'{{"a": "{hidden}", "a": "x"}}').text
    assert list(find_secrets(text))


# --- the rules, in a library ---


def problems(folder: Path, text: str, *, front: str = "") -> list[Problem]:
    """What the privacy rules find in one record of a library folder."""
    front = f"---\ntitle: A canary\ndate: 2026-04-12\nstatus: draft\n{front}---\n"
    file = folder / "postmortems" / NAME
    file.write_text(front + text, encoding="utf-8")
    form = build_form()
    document = read_document(file.read_bytes(), PurePath("postmortems") / NAME, form)
    context = LintContext(form, CheckConfig(), date(2026, 6, 1), folder)
    rules = [rule for rule in all_rules() if rule.family == "privacy"]
    return list(run_rules(document, context, rules))


def beside(folder: Path, content: str, name: str = "fixture.json") -> Path:
    file = folder / "postmortems" / NAME.removesuffix(".md") / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    return file


def test_a_secret_is_an_error_that_is_never_printed(library_folder: Path) -> None:
    value = SHAPED["GitHub classic"]
    (found,) = problems(library_folder, f"\nIt used {value} twice.\n")
    assert (found.rule, found.severity, found.line, found.column) == ("KB901", "error", 7, 9)
    assert found.length == len(value)
    assert value[:5] not in found.message
    assert "ghp_…" in found.message


def test_no_output_of_a_check_shows_the_secret(library_folder: Path) -> None:
    value, cut = SHAPED["GitHub classic"], SHAPED["npm"]
    body = (
        f"## Outcome asserts\n\n```evidence\nLLM_SAYS_IT_DID: used {value}\nHELD: {value}\n"
        f"INTEGRITY_ASSERT: was {cut[:20]}\n  {cut[20:]}\n{value}\n```\n"
    )
    front = "---\ntitle: A canary\ndate: 2026-04-12\nstatus: in-review\n---\n"
    (library_folder / "postmortems" / NAME).write_text(front + body, encoding="utf-8")
    report = check(open_library(library_folder), today=date(2026, 6, 1))
    assert {"secret", "unknown-answer", "unformatted", "claim-without-assert"} <= {
        problem.name for problem in report.problems
    }
    for style in ("text", *FORMATS):
        shown = render(report, style, base=library_folder)
        assert value[4:12] not in shown, style
        assert cut[4:12] not in shown, style


@pytest.mark.parametrize("kind", ["connection string", "environment variable", "bearer header"])
def test_of_a_password_nothing_is_shown(library_folder: Path, kind: str) -> None:
    (found,) = problems(library_folder, f"\nIt used {NAMED[kind]} twice.\n")
    secret = NAMED[kind].split("@")[0].replace("=", ":").replace(" ", ":").split(":")[-1]
    assert secret[:3] not in found.message


@pytest.mark.parametrize("kind", [kind for kind in SHAPED if len(SHAPED[kind]) > 24])
def test_a_key_cut_by_a_line_break_is_seen(library_folder: Path, kind: str) -> None:
    value = SHAPED[kind]
    for half in (8, len(value) // 2, len(value) - 5):
        log = f"called with {value[:half]}\n  {value[half:]} and went on"
        text = f"\n```evidence\nTOOL_LOG: {log}\n```\n"
        found = [problem for problem in problems(library_folder, text) if problem.rule == "KB901"]
        assert found, f"{kind} cut after {half} characters was not seen"
        assert found[0].line in {8, 9}


def test_a_card_number_cut_by_a_line_break_is_seen(library_folder: Path) -> None:
    first, rest = PERSONAL["Visa in groups"][:9], PERSONAL["Visa in groups"][10:]
    (found,) = problems(library_folder, f"\nHe paid with {first}\n{rest} on Sunday.\n")
    assert (found.name, found.line) == ("personal-data", 7)


def test_columns_of_numbers_are_no_card_number(library_folder: Path) -> None:
    rows = "\n".join(grouped(PERSONAL["Visa"], " ").split(" "))
    assert not problems(library_folder, f"\n{rows}\n")


def test_personal_data_is_advice_within_the_house(library_folder: Path) -> None:
    (found,) = problems(library_folder, f"\nWritten by {PERSONAL['mail']}.\n")
    assert (found.name, found.severity, found.line) == ("personal-data", "advice", 7)
    assert "maria" not in found.message
    assert "REDACTED_EMAIL_1" in found.message


def test_personal_data_is_an_error_in_a_record_for_outsiders(library_folder: Path) -> None:
    text = f"\nWritten by {PERSONAL['mail']}.\n"
    (found,) = problems(library_folder, text, front="visibility: external\n")
    assert (found.name, found.severity) == ("personal-data-for-outsiders", "error")


def test_a_secret_in_a_fixture_is_reported_where_the_record_names_it(library_folder: Path) -> None:
    value = SHAPED["Anthropic"]
    beside(library_folder, nested(value))
    text = "\n## Replay fixture\n\n```evidence\nFIXTURE: 2026-04-12-canary/fixture.json\n```\n"
    (found,) = problems(library_folder, text)
    assert (found.name, found.line) == ("secret-beside", 10)
    assert "tool_calls[0].function.arguments.headers.x" in found.message
    assert value[:8] not in found.message


def test_a_secret_in_any_file_of_the_folder_is_seen(library_folder: Path) -> None:
    beside(library_folder, "step,output\n1," + SHAPED["Stripe live"] + "\n", "logs/run.csv")
    (found,) = problems(library_folder, "\nNothing is named here.\n")
    assert (found.name, found.line) == ("secret-beside", 1)
    assert "logs/run.csv" in found.message
    assert "line 2" in found.message


def test_a_key_in_pieces_in_a_list_is_seen(library_folder: Path) -> None:
    value = SHAPED["OpenAI project"]
    beside(library_folder, json.dumps({"chunks": [value[:5], value[5:30], value[30:]]}))
    (found,) = problems(library_folder, "\nNothing.\n")
    assert "chunks, joined" in found.message


def test_personal_data_of_a_fixture_is_counted_by_kind(library_folder: Path) -> None:
    beside(
        library_folder, json.dumps([PERSONAL["mail"], PERSONAL["mail with tag"], PERSONAL["IPv4"]])
    )
    found = problems(library_folder, "\nNothing.\n")
    assert [problem.name for problem in found] == ["personal-data", "personal-data"]
    assert "e-mail address: 2, the first at [0]" in found[0].message


def test_a_fixture_full_of_secrets_is_no_flood(library_folder: Path) -> None:
    beside(library_folder, "\n".join("gh" + "p_" + drawn(ALNUM, 36) for _ in range(100)))
    found = problems(library_folder, "\nNothing.\n")
    assert len(found) == 21
    assert "80 secrets more" in found[-1].message


def test_binary_files_links_and_odd_encodings_are_survived(library_folder: Path) -> None:
    outside = library_folder / "outside.txt"
    outside.write_text(SHAPED["GitLab"], encoding="utf-8")
    folder = beside(library_folder, "[" * 100_000, "deep.json").parent
    (folder / "image.png").write_bytes(b"\x89PNG\0\0" + SHAPED["GitLab"].encode())
    (folder / "link.txt").symlink_to(outside)
    (folder / "latin.txt").write_bytes(b"caf\xe9 \xff\xfe")
    assert not problems(library_folder, "\nNothing.\n")
    (folder / "wide.txt").write_text(SHAPED["GitLab"], encoding="utf-16")
    assert [problem.name for problem in problems(library_folder, "\nNothing.\n")] == [
        "secret-beside"
    ]


def test_a_log_with_a_few_odd_bytes_is_read(library_folder: Path) -> None:
    beside(library_folder, "line\0 of a log\n" * 50 + SHAPED["GitLab"] + "\n", "t.log")
    assert [problem.rule for problem in problems(library_folder, "\nNothing.\n")] == ["KB902"]


def test_what_is_not_looked_through_is_told(library_folder: Path) -> None:
    file = beside(library_folder, "", "trace.log.gz")
    file.write_bytes(gzip.compress(SHAPED["GitLab"].encode() * 50))
    beside(library_folder, "a line of a log\n" * 600_000 + SHAPED["GitLab"], "long.log")
    found = problems(library_folder, "\nNothing.\n")
    assert [(problem.name, problem.severity) for problem in found] == [
        ("unread-beside", "advice")
    ] * 2
    assert "first 8 MB" in found[0].message
    assert "compressed or binary" in found[1].message


@pytest.mark.parametrize("path", ["../../outside.txt", "/etc/passwd", "a\0b", "x" * 5000, "."])
def test_a_fixture_path_that_leads_elsewhere_is_not_read(library_folder: Path, path: str) -> None:
    text = f"\n## Replay fixture\n\n```evidence\nFIXTURE: {path}\n```\n"
    assert not problems(library_folder, text)


def test_files_beside_come_in_one_order_and_not_without_end(tmp_path: Path) -> None:
    for number in range(210):
        (tmp_path / f"{number:03}.txt").write_text("", encoding="utf-8")
    names = [file.name for file in files_beside(tmp_path)]
    assert names == sorted(names)
    assert len(names) == 200


# --- measured on text of others ---


def _benign(data: Path) -> Iterator[Path]:
    yield from (file for file in sorted(data.rglob("*")) if file.is_file())


def test_benign_text_holds_no_secret_and_little_personal_data(data: Path) -> None:
    size = people = 0
    secrets: list[str] = []
    for file in _benign(data):
        content = read_decoded(file)
        if content is not None:
            size += len(content.text)
            secrets += [f"{file.name}: {found.kind}" for found in find_secrets(content.text)]
            people += len(list(find_personal_data(content.text)))
    print(f"{size / 1e6:.1f} million characters: {len(secrets)} secrets, {people} personal data")
    assert not secrets
    assert people < 5 * size / 1e6


@pytest.mark.parametrize("piece", SECRET_PIECES)
def test_hostile_text_is_read_to_its_end(piece: str) -> None:
    """A square of this length would take hours; `scripts/bench hostile` measures the growth."""
    text = repeated(piece, 400_000) + " " + SHAPED["GitLab"]
    assert any(found.kind == "GitLab token" for found in find_secrets(text))
    list(find_personal_data(text))


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


@pytest.mark.parametrize("find", [find_secrets, find_personal_data])
@pytest.mark.parametrize("piece", SECRET_PIECES)
def test_twice_the_text_takes_at_most_twice_the_calls(piece: str, find: Find) -> None:
    list(find("patterns that are compiled once " + piece * 20))
    once, twice = (calls(lambda n=n: list(find(piece * n))) for n in (300, 600))  # type: ignore[misc]
    assert twice < 2.5 * once


def test_text_that_holds_nothing_takes_one_call_a_word() -> None:
    """The length of each word is asked for; each literal is looked for once, however long it is."""
    prose = "the agent did what nobody had asked it for, and it said that all was well. "
    once, many = (calls(lambda n=n: list(find_secrets(prose * n))) for n in (1, 1000))  # type: ignore[misc]
    assert many - once < len(prose.split()) * 1000
    assert calls(lambda: list(find_personal_data(prose * 1000))) < 60
