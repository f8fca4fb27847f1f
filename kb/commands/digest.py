"""`kb digest`: what is new, came again and was promised, as Markdown, HTML or a Slack message."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from kb.digest.contents import Digest, digest_of, reminders_of
from kb.digest.gather import for_outsiders, read_facts
from kb.digest.html_page import digest_html
from kb.digest.markdown import digest_markdown
from kb.digest.post import VARIABLE, post, webhook
from kb.digest.slack import slack_message
from kb.metrics.compute_page import read_as_of
from kb.repo import open_repo
from kb.streams import echo_json, echo_markdown, warn

_DAYS = re.compile(r"(\d{1,3})d?")
_MOST_DAYS = 366


class _Days(click.ParamType[int]):
    """A number of days: `7d`, or `7`."""

    name = "days"

    def convert(self, value: Any, param: Any, context: Any) -> int:
        """The number. Fails for what is none, and for more than a year."""
        found = _DAYS.fullmatch(str(value).strip())
        if found is None or int(found[1]) > _MOST_DAYS:
            self.fail(f"'{value}' is no number of days such as 7d, at most {_MOST_DAYS}d")
        return int(found[1])


@dataclass(frozen=True)
class _Wanted:
    published_since: str | None
    form: str
    due_days: int
    by_owner: bool
    visibility: str
    is_posted: bool


@click.command("digest")
@click.option(
    "--published-since",
    metavar="DATE|last",
    help="New is what was published on or after that day, or since the last all-hands.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "html", "slack"]),
    default="markdown",
    show_default=True,
    help="slack is the JSON of a message.",
)
@click.option(
    "--due",
    "due_days",
    type=_Days(),
    default="30d",
    metavar="DAYS",
    show_default=True,
    help="How far ahead promises are told of.",
)
@click.option("--by-owner", is_flag=True, help="Only reminders: what is due or overdue, by owner.")
@click.option(
    "--visibility",
    type=click.Choice(["internal", "external"]),
    default="internal",
    show_default=True,
    help="external: only records and words that are approved for outside.",
)
@click.option(
    "--post", "is_posted", is_flag=True, help=f"Send it as a Slack message to ${VARIABLE}."
)
def command(**arguments: Any) -> int:
    """Tell what was learnt: new records, repeats, promises, walls that fired.

    Each new record comes with one lesson in its own words. Nothing is sent anywhere without --post.
    """
    wanted = _Wanted(**arguments)
    if wanted.by_owner and wanted.visibility == "external":
        raise click.UsageError("--by-owner names owners, who stay inside: leave out --visibility.")
    address = webhook(os.environ) if wanted.is_posted else ""
    digest = _wanted_digest(wanted)
    if not address:
        _print(digest, wanted.form)
    elif wanted.by_owner and not digest.has_items:
        warn("kb digest: nothing is due, so nothing was posted")
    else:
        warn(f"kb digest: posted to {post(slack_message(digest), address)}")
    return 0


def _wanted_digest(wanted: _Wanted) -> Digest:
    start, repo = Path.cwd(), open_repo(Path.cwd())
    as_of = read_as_of(repo, None, datetime.now(UTC))
    facts = read_facts(start, repo, as_of, wanted.published_since, wanted.due_days)
    if wanted.visibility == "external":
        facts = for_outsiders(facts, start, repo, as_of)
    return reminders_of(facts) if wanted.by_owner else digest_of(facts)


def _print(digest: Digest, form: str) -> None:
    if form == "slack":
        echo_json(json.dumps(slack_message(digest), ensure_ascii=False, indent=2))
    else:
        echo_markdown(digest_html(digest) if form == "html" else digest_markdown(digest))
