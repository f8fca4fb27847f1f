"""`pytest --postmortems`: the fixture of each published record is a test that bears its name.

It fails where one trial of N does not pass. Nothing else of kb is imported before the option is
given, so a suite that does not use it pays for this file alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kb.traces.replay.suite import SuiteCase, SuiteResult
    from kb.traces.replay.trials import Settings

_SUITE = pytest.StashKey["_Suite"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, in a group of their own."""
    group = parser.getgroup("postmortems", "replays of the library's incidents")
    group.addoption(
        "--postmortems",
        nargs="?",
        const=".",
        metavar="FOLDER",
        help="Replay the fixtures of the library in FOLDER (default: here).",
    )
    group.addoption(
        "--postmortems-entry",
        metavar="NAME",
        help="Entry point of the agent; default [runs] replay of kb.toml, if trusted.",
    )
    group.addoption(
        "--postmortems-trials", type=int, default=10, metavar="N", help="Trials of each (10)."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find the fixtures."""
    folder = config.getoption("--postmortems")
    if folder is None:
        return
    from kb.errors import KbError

    try:
        suite = _Suite.of(Path(config.invocation_params.dir, folder), config)
    except KbError as error:
        raise pytest.UsageError(f"--postmortems: {error}") from error
    config.stash[_SUITE] = suite


class _Suite:
    """The cases by the path of their fixture, and how they are replayed."""

    def __init__(self, cases: dict[Path, SuiteCase], settings: Settings, allow: Any) -> None:
        self.cases, self.settings, self.allow = cases, settings, allow

    @classmethod
    def of(cls, folder: Path, config: pytest.Config) -> _Suite:
        """Raises `KbError` where there is no library, no entry point, or no trust in it."""
        from kb.library import open_library
        from kb.traces.replay.choose_agent import entry_point
        from kb.traces.replay.suite import find_cases
        from kb.traces.replay.trials import Settings
        from kb.trusted_settings import allowed_values

        library = open_library(folder)
        named = config.getoption("--postmortems-entry")
        entry = entry_point(library.root, library.config, named)
        settings = Settings(entry, config.getoption("--postmortems-trials"))
        cases = {case.path: case for case in find_cases(library)}
        return cls(cases, settings, allowed_values(library.root, library.config))

    def run(self, case: SuiteCase) -> SuiteResult:
        from kb.traces.replay.suite import run_case

        return run_case(case, self.settings, self.allow)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A fixture that is a case; every other file is left to whoever collects it."""
    suite = parent.config.stash.get(_SUITE, None)
    if suite is None or file_path not in suite.cases:
        return None
    return PostmortemFixture.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the cases that pytest did not come upon, before `-k` and the like choose among them.

    They are no arguments of pytest: it would run the `conftest.py` that lies beside a fixture.
    """
    suite = config.stash.get(_SUITE, None)
    if suite is None:
        return
    there = {item.path for item in items if isinstance(item, PostmortemItem)}
    for path, case in suite.cases.items():
        if path not in there:
            place = f"postmortems/{_shown(case.record.id)}"
            fixture = PostmortemFixture.from_parent(session, path=path, nodeid=place)
            items.extend(fixture.collect())


def _shown(name: str) -> str:
    """A record's name as a terminal may see it."""
    from kb.terminal import visible

    return visible(name)


class PostmortemFixture(pytest.File):
    """The fixture of one record, which is one test."""

    def collect(self) -> Iterator[pytest.Item]:  # noqa: D102
        case = self.config.stash[_SUITE].cases[self.path]
        yield PostmortemItem.from_parent(self, name=_shown(case.record.id))


class PostmortemItem(pytest.Item):
    """One record, replayed: it fails below N of N."""

    def runtest(self) -> None:  # noqa: D102
        from kb.traces.replay.trials import TrialVerdict

        suite = self.config.stash[_SUITE]
        result = suite.run(suite.cases[self.path])
        if result.verdict is not TrialVerdict.PASS:
            raise _ReplayedError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: D102
        if isinstance(excinfo.value, _ReplayedError):
            return excinfo.value.told()
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:  # noqa: D102
        return self.path, None, f"postmortem: {self.name}"


class _ReplayedError(Exception):
    """A replay that did not pass."""

    def __init__(self, result: SuiteResult) -> None:
        super().__init__(result.reason)
        self._result = result

    def told(self) -> str:
        """The record, the assert that was broken, and where both are."""
        from kb.terminal import visible
        from kb.traces.replay.report import replay_text

        record = self._result.case.record
        lines = [record.title, f"{self._result.verdict.value}: {self._result.reason}"]
        lines += [f"record: {record.path}", ""]
        told = "\n".join(map(visible, lines))
        return told + (replay_text(self._result.replay) if self._result.replay else "")
