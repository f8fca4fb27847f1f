"""What many tests arrange: a folder with records, and a real Git repository around it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("KB_DATA", ROOT.parent / "shared" / "data"))
EXAMPLE = ROOT / "kb/data/example/2026-04-12-billing-agent-charged-twice.md"

# Hypothesis times every example otherwise; a busy machine would fail the test.
settings.register_profile(
    "untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

#: Git for tests: no configuration of the machine, a fixed author.
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "A Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "A Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
}


@pytest.fixture(autouse=True)
def _own_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep the machine's configuration of Git, kb and the terminal out of every test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("EDITOR", "VISUAL", "GIT_DIR", "GIT_WORK_TREE", "FORCE_COLOR", "KB_TRUST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def data() -> Path:
    """The folder of measuring data; the test is skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"the measuring data is not at {DATA}; set KB_DATA to run this test")
    return DATA


@pytest.fixture
def library_folder(tmp_path: Path) -> Path:
    """An empty knowledge base: `kb.toml` and `postmortems/`."""
    (tmp_path / "kb.toml").write_text("", encoding="utf-8")
    (tmp_path / "postmortems").mkdir()
    return tmp_path


@pytest.fixture
def example_library(library_folder: Path) -> Path:
    """A knowledge base with the worked example, its fixture included."""
    import shutil

    shutil.copytree(EXAMPLE.parent, library_folder / "postmortems", dirs_exist_ok=True)
    return library_folder


def trust_settings(root: Path) -> None:
    """Let this user trust what a library's `kb.toml` asks for as it stands."""
    from kb.config import read_config
    from kb.trusted_settings import store, wishes

    store(root, wishes(read_config(root), root))


Git = Callable[..., str]


def git_in(folder: Path) -> Git:
    """A function that runs git in a folder and gives back what it printed."""

    def git(*arguments: str, at: str | None = None) -> str:
        dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at} if at else {}
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=os.environ | GIT_ENVIRONMENT | dates,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    return git


@pytest.fixture
def git(library_folder: Path) -> Git:
    """Git in the library's folder, where a repository was made."""
    run = git_in(library_folder)
    run("init", "--quiet", "--initial-branch=main")
    return run


#: The files that take longest, begun first: else one of two workers is left alone with them.
LONGEST_FIRST = (
    "test_wheel.py",
    "test_browser.py",
    "test_beside.py",
    "test_hostile_trees.py",
    "test_linear_readers.py",
    "test_lsp.py",
    "test_mcp.py",
    "test_run_canaries.py",
    "test_store.py",
    "test_search_casebook.py",
    "test_repo_no_execution.py",
    "test_search_words.py",
    "test_metrics_doubts.py",
    "test_site_meaning.py",
    "test_review.py",
    "test_bulk_dask.py",
    "test_no_foreign_code.py",
    "test_ci_steps.py",
    "test_search_encoder.py",
    "test_all_hands_browser.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the others, and the tests of a file, keep their order."""
    place = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last lines of a run: every reason to skip once, with its count."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", ()))
    if reasons:
        terminalreporter.section("skipped, and why")
    for reason, count in sorted(reasons.items()):
        terminalreporter.line(f"{count:>4}  {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    where_and_why = report.longrepr
    why = where_and_why[2] if isinstance(where_and_why, tuple) else str(where_and_why)
    return why.removeprefix("Skipped: ")


def locked_pip() -> dict[str, str]:
    """The variables that keep pip, in a test, to what its own environment was installed from."""
    lock = Path(sys.prefix) / "constraints.txt"
    address = (lock if lock.exists() else ROOT / "constraints.txt").as_uri()
    return {"PIP_CONSTRAINT": address, "PIP_BUILD_CONSTRAINT": address}
