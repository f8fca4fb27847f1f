"""A server over a library whose `kb.toml` names a store: one address for all teams."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_server import ask_for, serving
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
