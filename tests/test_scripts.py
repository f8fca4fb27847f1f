"""The scripts of the shell say what they do, and start nothing for a word they do not know."""

import subprocess
from pathlib import Path

import pytest

from conftest import LONGEST_FIRST

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(SCRIPTS / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", ["bench", "demo", "setup", "test"])
def test_help_is_the_comment_a_script_begins_with(script: str) -> None:
    done = run(script, "--help")
    first = (SCRIPTS / script).read_text(encoding="utf-8").splitlines()[1]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == first.removeprefix("# ")


@pytest.mark.parametrize(
    ("script", "arguments"),
    [("bench", ["nosuch"]), ("bench", ["site", "runs", "--json"]), ("demo", ["--serve"])],
)
def test_an_unknown_word_starts_nothing(script: str, arguments: list[str]) -> None:
    done = run(script, *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_every_bench_is_listed_but_those_of_a_choice_or_a_file() -> None:
    listed = run("bench", "--help").stdout.rpartition("Parts: ")[2].split()
    of_a_choice_or_a_file = {
        *("fit_checkup", "gate", "made_records", "run_questions", "shell", "weights"),
    }
    benches = {path.stem for path in (SCRIPTS.parent / "tests" / "bench").glob("*.py")}
    assert set(listed) == benches - of_a_choice_or_a_file


def test_the_files_that_are_begun_first_are_there() -> None:
    assert [name for name in LONGEST_FIRST if not (SCRIPTS.parent / "tests" / name).is_file()] == []
