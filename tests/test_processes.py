"""Programs are started away from the current folder, with a short environment, and end in time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kb.errors import KbError
from kb.processes import (
    PIPE,
    end,
    find_program,
    neutral_folder,
    python_command,
    run,
    run_at_terminal,
    short_environment,
    start,
)

from conftest import ROOT


def python(code: str) -> list[str]:
    return [*python_command("x")[:3], "-c", code]


def test_a_module_is_run_without_the_current_folder_and_the_variables_for_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "sitecustomize", "usercustomize", "kb"):
        (tmp_path / f"{name}.py").write_text("print('FOREIGN')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "json.py"))
    done = run(python_command("json.tool", "--help"))
    assert (done.status, "FOREIGN" in done.output) == (0, False)
    assert {"-P", "-I"} <= set(python_command("json.tool"))


def test_what_is_installed_for_the_user_alone_is_still_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import site

    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(sys, "path", [*sys.path, site.getusersitepackages()])
    assert python_command("kb")[1:3] == ["-E", "-P"]


def test_the_environment_is_a_short_list(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "LD_PRELOAD", "NODE_OPTIONS"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PATH", f".:bin::/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("LC_TIME", "C")
    given = short_environment({"ONE": "more"})
    assert given["PATH"] == "/usr/bin:/bin"
    assert (given["LC_TIME"], given["ONE"]) == ("C", "more")
    assert not {"GIT_DIR", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "LD_PRELOAD"} & given.keys()
    assert "NODE_OPTIONS" not in given


def test_a_program_runs_in_a_folder_that_is_nobodys(tmp_path: Path) -> None:
    done = run(python("import os; print(os.getcwd(), end='')"))
    assert Path(done.output) == neutral_folder()


def test_a_program_is_found_on_path_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "tool").write_text("#!/bin/sh\n")
        (folder / "tool").chmod(0o755)
    monkeypatch.chdir(here)
    monkeypatch.setenv("PATH", f".:{here}::{there}")
    assert find_program("tool") == there / "tool"
    assert find_program("./tool") is None
    assert find_program(str(here / "tool")) == here / "tool"
    monkeypatch.setenv("PATH", ".")
    assert find_program("tool") is None


def test_a_program_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(child)!r}, 'w').write(str(p.pid))\n"
        "time.sleep(600)"
    )
    with pytest.raises(KbError, match="had not ended after 3 s and was stopped"):
        run(python(code), seconds=3)
    assert not is_running(int(child.read_text()))


def is_running(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.05)
    return True


def test_a_program_that_writes_without_end_fills_no_memory() -> None:
    done = run(python("import sys\nfor _ in range(300): sys.stderr.write('x' * 10**5)\nprint(7)"))
    assert (done.status, done.output.strip(), len(done.complaint)) == (0, "7", 1_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="limits are set from outside on Linux")
def test_a_program_that_takes_too_much_memory_fails() -> None:
    code = "import time; time.sleep(0.5); x = bytearray(10**9); print('all of it')"
    done = run(python(code), memory_bytes=300_000_000)
    assert (done.status != 0, done.output) == (True, "")
    assert "MemoryError" in done.complaint


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(KbError, match="no-such-program cannot be started"):
        run(["/nowhere/no-such-program"])
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        run_at_terminal(["no-such-program"])


def test_ending_twice_is_no_error() -> None:
    process = start(python("import time; time.sleep(600)"), stdin=PIPE)
    end(process)
    end(process)
    assert process.returncode != 0


def test_no_other_file_of_kb_starts_a_program() -> None:
    banned = ("import subprocess", "from subprocess", "os.system(", "os.popen(", "posix_spawn")
    found = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "kb").rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in banned)
    ]
    # What is printed for Inspect AI is a program of the team's own.
    ours = ("kb/data/", "kb/traces/replay/suite_export.py")
    assert [name for name in found if not name.startswith(ours)] == ["kb/processes.py"]


def test_the_contract_that_says_so_sees_a_second_file(tmp_path: Path) -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'forbidden_modules = ["subprocess"]' in settings
    contract = settings.index('id = "programs-in-one-file"')
    sources = settings.index("source_modules = [\n", contract) + len("source_modules = [\n")
    broken = f'{settings[:sources]}    "kb.processes",\n{settings[sources:]}'
    (tmp_path / "pyproject.toml").write_text(broken, encoding="utf-8")
    command = [
        "lint-imports",
        "--config",
        str(tmp_path / "pyproject.toml"),
        "--no-cache",
        "--contract",
        "programs-in-one-file",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "kb.processes -> subprocess" in done.stdout
