"""The learning digest: what it tells and leaves out, and what text of records cannot do in it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from kb.as_of import AsOf
from kb.cli import main
from kb.digest.contents import (
    Digest,
    DigestFacts,
    DigestItem,
    DigestPart,
    digest_of,
    reminders_of,
)
from kb.digest.gather import for_outsiders, read_facts
from kb.digest.html_page import digest_html
from kb.digest.markdown import digest_markdown
from kb.digest.post import VARIABLE, post, webhook
from kb.digest.slack import MOST_BLOCKS, MOST_HEADER, MOST_SECTION, slack_message
from kb.errors import KbError
from kb.metrics.compute_page import read_as_of
from kb.metrics.result_types import NewRecord
from kb.records.postmortem import Occurrence
from kb.repo import open_repo
from kb.walls.firing_log import Firing
from markdown_it import MarkdownIt

from beside_libraries import RETRIED
from external_texts import NOW as SIGNED_BY
from external_texts import approved_site
from search_library import write_record
from twelve_records import NOW, write

HOSTILE = (
    "<!channel> <@U1> <https://evil.example|here> *bold* _it_ `code` ~no~ [x](https://evil.example)"
    " <script>alert(1)</script> ![i](https://evil.example/i.png) @here\n# head\n> quote\u202e"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of twelve records."""
    return write(tmp_path_factory.mktemp("twelve"))


def facts_in(folder: Path, since: str | None = None, due_days: int = 30) -> DigestFacts:
    repo = open_repo(folder)
    return read_facts(folder, repo, read_as_of(repo, None, NOW), since, due_days)


@pytest.fixture(scope="module")
def facts(folder: Path) -> DigestFacts:
    return facts_in(folder)


def part(digest: Digest, title: str) -> DigestPart:
    return next(one for one in digest.parts if one.title == title)


def of_one_item(text: str, **more: Any) -> Digest:
    """A digest in which a record said something."""
    item = DigestItem(text, "2026-01-01-x", (text,), text)
    value = Digest("Lib", "Since", date(2026, 1, 1), (DigestPart("New", ("One.",), (item,)),))
    return replace(value, **more)


# --- what stands in it ---------------------------------------------------------------------------


def test_it_tells_what_is_new_with_one_lesson_each_in_its_own_words(facts: DigestFacts) -> None:
    new = part(digest_of(facts), "New")
    assert new.sentences[0].startswith("3 records were published")
    assert [item.record[11:] for item in new.items] == [
        "refund-paid-twice-again",
        "schema-changed-under-the-agent",
        "summary-named-a-customer",
    ]
    assert new.items[0].facts == ("SEV1", "published 3 Jun 2026")
    assert new.items[0].quote == (
        "The fix we promised in November would have paged us in the first minute."
    )
    assert new.items[2].quote == ""
    assert new.items[2].facts[-1] == "no lesson is written"


def test_it_tells_what_came_again_and_which_promise_was_open_then(facts: DigestFacts) -> None:
    (again,) = part(digest_of(facts), "What came again").items
    assert again.record == "2026-05-21-refund-paid-twice-again"
    assert again.facts[0].startswith("repeats “Refund agent paid 14")
    assert any(fact.startswith("promised then, and open for ") for fact in again.facts)


def test_what_did_harm_again_without_a_record_of_its_own_is_told(facts: DigestFacts) -> None:
    record = next(iter(facts.titles))
    days = (datetime(2026, 6, 20, 5, tzinfo=UTC), datetime(2026, 6, 23, 5, tzinfo=UTC))
    seen = tuple((record, Occurrence(at=day, customers=20)) for day in days)
    (*_, item) = part(digest_of(replace(facts, occurrences=seen)), "What came again").items
    assert item.record == record
    assert item.facts[:2] == (
        "did harm again 2 times, last on 23 Jun 2026",
        "40 customers affected",
    )


def test_an_occurrence_of_the_window_is_read_and_one_before_it_is_not(tmp_path: Path) -> None:
    folder = write(tmp_path)
    path = sorted((folder / "postmortems").glob("20*.md"))[0]
    text = path.read_text("utf-8")
    entries = "occurrences: [{at: 2020-01-01T00:00:00Z}, {at: 2025-06-01T00:00:00Z}]\n---\n"
    path.write_text(text.replace("\n---\n", f"\n{entries}", 1), "utf-8")
    found = facts_in(folder, "2025-01-01").occurrences
    assert [(record, f"{one.at:%Y}") for record, one in found] == [(path.stem, "2025")]


def test_it_tells_of_promises_kept_overdue_and_due(facts: DigestFacts) -> None:
    digest = digest_of(facts)
    kept, overdue = part(digest, "Kept"), part(digest, "Overdue")
    assert [item.facts[1].endswith(", late") for item in kept.items] == [False, True]
    assert [item.facts[1] for item in overdue.items] == ["197 days overdue", "31 days overdue"]
    assert len(part(digest, "Due within 30 days").items) == 3
    assert all(item.facts[-1].startswith("promised after ") for item in overdue.items)


def test_a_kept_promise_that_failed_since_then_is_told_with_the_reason(facts: DigestFacts) -> None:
    kept = next(one for one in facts.actions if one.state == "closed")
    why = "the same failure came on 20 Jun 2026"
    failed = replace(kept, effect="failed", effect_since=date(2026, 6, 20), effect_why=why)
    promise = replace(facts.seen.kept[0], action=kept.id, text=kept.text)
    seen = replace(facts.seen, failed=(promise,))
    digest = digest_of(replace(facts, seen=seen, actions=(failed,)))
    assert kept.text not in {one.text for one in part(digest, "Kept").items}
    (item,) = part(digest, "Kept, and did not work").items
    assert why in item.facts


def test_walls_that_fired_in_the_window_are_told_and_those_before_are_not(
    facts: DigestFacts,
) -> None:
    def fired(day: int, month: int, answer: str) -> Firing:
        return Firing(datetime(2026, month, day, tzinfo=UTC), "2025-11-04-x#W1", answer, "Bash")

    told = (
        fired(1, 5, "deny"),
        fired(3, 6, "deny"),
        fired(4, 6, "passed"),
        fired(4, 6, "pass-given"),
    )
    (item,) = part(digest_of(replace(facts, fired=told)), "Walls that fired on this machine").items
    assert item.facts == ("wall W1 spoke 2 times", "a person let 1 of them pass")
    assert "other machines are not" in " ".join(digest_of(facts).uncounted)


def test_reminders_come_before_the_day_by_owner(folder: Path) -> None:
    week = reminders_of(facts_in(folder, due_days=12))
    assert week.title.startswith("Due by ")
    owners = [one.title for one in week.parts]
    assert owners == sorted(owners)
    told = [item for one in week.parts for item in one.items]
    overdue = [item for item in told if "overdue" in " ".join(item.facts)]
    assert len(overdue) == 2
    parts = reminders_of(facts_in(folder, due_days=30)).parts
    month = [item for one in parts for item in one.items]
    assert len(month) == 5
    assert len(told) < len(month)


def test_nothing_new_is_said_with_its_day_and_what_is_not_counted(folder: Path) -> None:
    digest = digest_of(facts_in(folder, "2026-06-30"))
    assert part(digest, "New") == DigestPart("New", ("Nothing new since 30 Jun 2026.",))
    assert any("are not counted" in text for text in digest.uncounted)
    text = digest_markdown(digest)
    assert "Nothing new since 30 Jun 2026." in text
    assert "What came again" not in text


def test_a_library_without_records_and_without_git_has_a_digest(
    library_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(library_folder)
    with pytest.raises(SystemExit) as ended:
        main(["digest", "--published-since", "2026-01-01"])
    assert ended.value.code == 0
    assert "Nothing new since 1 Jan 2026." in capsys.readouterr().out


def test_a_digest_for_outsiders_holds_what_was_approved_and_counts_the_rest(folder: Path) -> None:
    repo = open_repo(folder)
    outside = for_outsiders(facts_in(folder), folder, repo, read_as_of(repo, None, NOW))
    digest = digest_of(outside)
    assert [one.title for one in digest.parts if one.items] == []
    assert "Left out: 3 new records that nobody approved for outside." in digest.uncounted
    said = digest_markdown(digest)
    inside = digest_markdown(digest_of(facts_in(folder)))
    titles = [item.text for one in digest_of(facts_in(folder)).parts for item in one.items]
    assert titles
    assert all(title.split()[-1] in " ".join(inside.split()) for title in titles)
    assert not any(title in " ".join(said.split()) for title in titles)
    assert "promise" not in said


def test_a_digest_for_outsiders_tells_of_signed_records_by_their_public_ids(
    library_folder: Path,
) -> None:
    first, again = "2026-01-05-quokkaslug", "2026-02-06-wombatslug"
    for name, more in ((first, ""), (again, f"repeats: [{first}]\n")):
        path = write_record(library_folder, name, "Refund paid twice", summary=RETRIED)
        marks = f"visibility: external\naffected_customers: [Globex]\n{more}clocks:"
        text = path.read_text("utf-8").replace("clocks:", marks, 1)
        lessons = f"## Lessons\n\nA timeout is no refusal in {name[:10]}.\n\n## Action items"
        saw = "## Customer-visible truth\n\n```evidence\nCUSTOMER_SAW: two refunds\n```\n\n"
        text = text.replace("## Action items", lessons, 1)
        text = text.replace("T10:00:00Z\n", f"T10:00:00Z\n  contained: {name[:10]}T12:00:00Z\n", 1)
        path.write_text(text.replace("## Root cause", f"{saw}## Root cause", 1), "utf-8")
    site = approved_site(library_folder)
    assert site.refused == ()
    as_of = AsOf(SIGNED_BY, "")
    repo = open_repo(library_folder)
    inside = read_facts(library_folder, repo, as_of, "2026-01-01", 30)
    new = tuple(news_of(name, (first,) if name == again else ()) for name in (first, again))
    inside = replace(inside, seen=replace(inside.seen, new=new), site="https://kb.example")
    digest = digest_of(for_outsiders(inside, library_folder, repo, as_of))
    items = part(digest, "New").items
    assert [item.record for item in items] == [record.id for record in site.records]
    assert "Left out: 0 new records" in digest.uncounted[0]
    (repeated,) = part(digest, "What came again").items
    assert (repeated.record, repeated.facts) == (items[1].record, ("repeats “Refund paid twice”",))
    said = digest_markdown(digest) + digest_html(digest) + json.dumps(slack_message(digest))
    assert f"https://kb.example/incidents/{items[0].record}/" in said
    assert not [word for word in ("slug", "Globex", "inside") if word in said]


def news_of(name: str, repeats: tuple[str, ...]) -> NewRecord:
    """A record that was published, in words that stay inside."""
    day = date.fromisoformat(name[:10])
    words = ("incident", "SEV2", "a lesson for inside")
    return NewRecord(name, f"inside {name}", day, True, False, *words, True, repeats)


# --- what text of records cannot do --------------------------------------------------------------


def test_markdown_has_no_link_heading_or_html_of_a_record_and_80_columns(
    facts: DigestFacts,
) -> None:
    text = digest_markdown(of_one_item(HOSTILE))
    tree = BeautifulSoup(MarkdownIt("gfm-like", {"linkify": False}).render(text), "html.parser")
    assert not tree.find_all(["a", "img", "script", "em", "code", "del"])
    assert [one.text for one in tree.find_all(re.compile("h[1-6]"))] == ["Since", "New"]
    assert "\u202e" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert max(len(line) for line in digest_markdown(digest_of(facts)).splitlines()) <= 80


@pytest.mark.parametrize("sign", ["-", "+", "#", "1.", "2)", "=====", ">"])
def test_a_line_that_is_broken_before_a_sign_begins_no_block(sign: str) -> None:
    text = digest_markdown(of_one_item(f"{'word ' * 14}{sign} item {'word ' * 14}{sign} item"))
    tree = BeautifulSoup(MarkdownIt("gfm-like", {"linkify": False}).render(text), "html.parser")
    assert len(tree.find_all("li")) == 1
    assert [one.text for one in tree.find_all(re.compile("h[1-6]"))] == ["Since", "New"]
    assert len(tree.find_all("blockquote")) == 1  # the lesson


def test_html_shows_text_and_runs_and_loads_nothing(facts: DigestFacts) -> None:
    page = digest_html(of_one_item(HOSTILE))
    tree = BeautifulSoup(page, "html.parser")
    assert not tree.find_all(["script", "img", "a", "link"])
    assert "<script>alert(1)</script>" in tree.get_text()
    policy = tree.find("meta", {"http-equiv": "Content-Security-Policy"})
    assert policy is not None
    assert str(policy["content"]).startswith("default-src 'none'")
    assert "\u202e" not in page
    whole = BeautifulSoup(digest_html(digest_of(facts)), "html.parser")
    assert [one.text for one in whole.find_all("h2")][:2] == ["New", "What came again"]


def test_items_lead_to_the_site_where_the_library_names_one(facts: DigestFacts) -> None:
    digest = digest_of(replace(facts, site="https://kb.example/x y/"))
    address = "https://kb.example/x%20y/incidents/2026-05-21-refund-paid-twice-again/"
    assert f"]({address})" in digest_markdown(digest)
    assert f'href="{address}"' in digest_html(digest)
    assert f"<{address}|" in json.dumps(slack_message(digest))
    evil = digest_of(replace(facts, site="javascript:alert(1)//"))
    assert "javascript:" not in digest_markdown(evil) + digest_html(evil)
    assert "javascript:" not in json.dumps(slack_message(evil))


def marked_texts(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for block in message["blocks"]:
        yield from block.get("elements", ())
        if "text" in block:
            yield block["text"]


def test_slack_mentions_links_and_formats_nothing_of_a_record() -> None:
    for text in marked_texts(slack_message(of_one_item(HOSTILE))):
        if text["type"] == "plain_text":
            continue
        assert text["verbatim"] is True
        own = text["text"].replace("*New*", "").replace("• *", "").replace("*\n", "\n")
        assert not set("<>*~`_|") & set(own)
        assert "\u202e" not in own


@pytest.mark.parametrize(("items", "parts"), [(1, 1), (20, 1), (20, 30), (0, 80)])
def test_a_message_stays_within_what_slack_takes_and_says_what_it_leaves_out(
    items: int, parts: int
) -> None:
    long = "x" * 5_000
    item = DigestItem(long, "2026-01-01-x", (long,) * 8, long)
    every = tuple(DigestPart(long, (long,), (item,) * items, 3) for _ in range(parts))
    message = slack_message(Digest(long, long, date(2026, 1, 1), every, (long,)))
    assert 1 <= len(message["blocks"]) <= MOST_BLOCKS
    for text in marked_texts(message):
        most = MOST_HEADER if text["type"] == "plain_text" else MOST_SECTION
        assert 1 <= len(text["text"]) <= most
    is_whole = "more: kb digest --format html" not in json.dumps(message)
    assert is_whole is (parts == 1)


# --- posting -------------------------------------------------------------------------------------


@contextmanager
def receiver(status: int = 200, body: bytes = b"ok") -> Iterator[tuple[str, list[Any]]]:
    """A webhook on this machine: its address, and what it was sent."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            got.append(
                (self.path, self.headers["Content-Type"], json.loads(self.rfile.read(length)))
            )
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/SECRET", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_digest_is_posted_once_to_the_address_in_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    with receiver() as (address, got):
        monkeypatch.setenv(VARIABLE, address)
        with pytest.raises(SystemExit) as ended:
            main(["digest", "--published-since", "2026-05-29", "--post"])
        assert ended.value.code == 0
    ((path, kind, message),) = got
    assert path == "/services/SECRET"
    assert kind == "application/json; charset=utf-8"
    assert message["blocks"][0]["text"]["text"] == "Since 29 May 2026"
    said = capsys.readouterr()
    assert said.out == ""
    assert "posted to 127.0.0.1" in said.err
    assert "SECRET" not in said.err


@pytest.mark.parametrize("status", [307, 404, 500])
def test_a_refusal_is_said_without_the_address_and_no_redirect_is_followed(status: int) -> None:
    with receiver(status, b"no_service http://x/SECRET \x1b[31m") as (address, got):
        with pytest.raises(KbError) as fault:
            post({"text": "x"}, address)
        assert len(got) == 1
    assert str(status) in str(fault.value)
    assert "services/SECRET" not in str(fault.value)
    assert "\x1b" not in str(fault.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"invalid_payload", "the webhook answered 400: invalid_payload"),
        (b"no such hook: /services/SECRET", "the webhook answered 400"),
        (b"x" * 150 + b" http://127.0.0.1/services/SECRET", "the webhook answered 400"),
        (b"services", "the webhook answered 400"),
    ],
)
def test_of_a_refusal_only_a_code_is_shown(body: bytes, said: str) -> None:
    with receiver(400, body) as (address, _), pytest.raises(KbError) as fault:
        post({"text": "x"}, address)
    assert fault.value.what == said


def test_what_cannot_be_reached_is_said_by_its_host_alone() -> None:
    with receiver() as (address, _):
        pass
    with pytest.raises(KbError, match="cannot be reached") as fault:
        post({"text": "x"}, address)
    assert "SECRET" not in str(fault.value)


@pytest.mark.parametrize(
    "address", ["", "hooks.example/x", "http://hooks.example/x", "file:///etc/x", "https://[x"]
)
def test_only_https_or_this_machine_is_posted_to(address: str) -> None:
    with pytest.raises(KbError) as fault:
        webhook({VARIABLE: address})
    assert "hooks.example" not in str(fault.value)
    assert webhook({VARIABLE: " https://hooks.example/x "}) == "https://hooks.example/x"


def test_nothing_is_sent_without_being_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    with receiver() as (address, got):
        monkeypatch.setenv(VARIABLE, address)
        for form in ("markdown", "html", "slack"):
            with pytest.raises(SystemExit) as ended:
                main(["digest", "--format", form])
            assert ended.value.code == 0
    assert got == []
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--due", "soon"],
        ["--due", "900d"],
        ["--published-since", "yesterday"],
        ["--published-since", "2999-01-01"],
        ["--by-owner", "--visibility", "external"],
        ["--format", "pdf"],
        ["--post"],
    ],
)
def test_what_is_no_question_ends_with_2(
    arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["digest", *arguments])
    assert ended.value.code == 2
