"""A server over a library whose `kb.toml` names a store: one address for all teams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_server import Served, ask_for, serving
from store_server import Database, team

pytest_plugins = ("store_server",)
pytestmark = pytest.mark.model
for needed in ("mcp", "limits", "prometheus_client", "psycopg"):
    pytest.importorskip(needed, reason="an extra is not installed")


def test_an_agent_gets_what_another_team_pushed(tmp_path: Path, database: Database) -> None:
    vectors = tmp_path / "vectors"
    team(tmp_path / "payments", "Payments", database.url, vectors).push("--set-up")
    support = team(tmp_path / "support", "Support", database.url, vectors)
    for path in (support.root / "postmortems").glob("2025-0[2-6]*.md"):
        path.unlink()
    support.commit()
    with serving(support.root) as served:
        asked = "an issue comment made the agent publish a secret"
        result = ask_for(served, "similar_incidents", query=asked)
    assert not result.is_error, result.content[0].text
    data = result.structured_content["data"]
    assert "Comment in an issue" in data["matches"][0]["title"]
    assert data["store"]["records"] == 6


def test_a_server_asks_over_one_connection_sees_what_is_pushed_and_outlives_its_end(
    tmp_path: Path, database: Database
) -> None:
    vectors = tmp_path / "vectors"
    payments = team(tmp_path / "payments", "Payments", database.url, vectors)
    payments.push("--set-up")
    support = team(tmp_path / "support", "Support", database.url, vectors)
    links = "SELECT pid FROM pg_stat_activity WHERE application_name = 'kb'"

    def told(served: Served) -> dict[str, Any]:
        result = ask_for(served, "similar_incidents", query="a refund was paid twice")
        assert not result.is_error, result.content[0].text
        data: dict[str, Any] = result.structured_content["data"]["store"]
        return data

    with serving(support.root) as served:
        assert told(served)["records"] == 6
        before = database.rows(links)
        payments.write("2026-02-03-paid-again", "Paid again")
        payments.commit()
        payments.push()
        assert told(served)["records"] == 7
        assert len(before) == 1
        assert database.rows(links) == before
        database.rows("SELECT pg_terminate_backend(%s, 60000)", before[0][0])
        assert told(served)["records"] == 7
        assert database.rows(links) != before
    assert database.rows(links) == []
