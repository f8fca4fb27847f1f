"""Findings of gitleaks and betterleaks on a text, where one of them is installed: optional.

Their reports are read leniently: a row without a line is left out, and no value of one is kept.
The programs get the text on standard input, in a folder of their own, so that no configuration of
a repository steers them.
"""

from __future__ import annotations

import json
import shutil
import subprocess  # to move to kb/processes.py, the one way to start a program
import tempfile
from dataclasses import dataclass

#: Arguments that make each program read standard input and write its report as JSON to `-`.
_ARGUMENTS = {
    "gitleaks": (
        *("stdin", "--report-format", "json", "--report-path", "-", "--redact"),
        *("--no-banner", "--exit-code", "0", "--log-level", "error"),
    ),
}
_LONGEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ScannerFinding:
    """Where a program saw a secret: its rule, and lines and columns from 1 on, both inclusive."""

    rule: str
    line: int
    column: int
    end_line: int
    end_column: int


def parse_findings(report: bytes) -> tuple[ScannerFinding, ...]:
    """The findings of a JSON report of gitleaks or betterleaks; none of what is no such report."""
    try:
        rows = json.loads(report or b"[]")
    except (ValueError, RecursionError):
        return ()
    rows = rows.get("findings") if isinstance(rows, dict) else rows
    if not isinstance(rows, list):
        return ()
    found = (_finding(row) for row in rows if isinstance(row, dict))
    return tuple(one for one in found if one)


def _finding(row: dict[str, object]) -> ScannerFinding | None:
    numbers = [row.get(name) for name in ("StartLine", "StartColumn", "EndLine", "EndColumn")]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        return None
    line, column, end_line, end_column = (int(str(number)) for number in numbers)
    return ScannerFinding(str(row.get("RuleID", "")), line, column, end_line, end_column)


def scanner() -> str | None:
    """The path of an installed program whose arguments are known."""
    return next((path for name in _ARGUMENTS if (path := shutil.which(name))), None)


def scanned(text: str, program: str) -> tuple[ScannerFinding, ...]:
    """What a program finds in a text; nothing where it fails or takes longer than a minute."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [program, *_ARGUMENTS["gitleaks"]],
                input=text.encode("utf-8", "replace"),
                capture_output=True,
                cwd=folder,
                env={},
                timeout=_LONGEST_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ()
    return parse_findings(done.stdout)
