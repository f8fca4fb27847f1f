"""Reports of problems: text, JSON, SARIF, GitHub and GitLab."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kb.errors import KbError
from kb.lint.registry import all_rules
from kb.lint.rule import ERROR, Problem, Rule
from kb.lint.runner import NotRun, Report
from kb.terminal import Text, caret_lines, joined, rendered, styled, text_of, visible
from kb.version import __version__

_SARIF_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def render(report: Report, style: str, *, base: Path, colour: bool = False) -> str:
    """The report in one of `FORMATS`; paths are shown from `base`. Raises `KbError` for others."""
    if style == "text":
        return rendered(text(report, base=base), colour=colour)
    try:
        return FORMATS[style](report, base)
    except KeyError as error:
        known = ", ".join(["text", *FORMATS])
        raise KbError(f"there is no format '{style}'", todo=f"Use one of: {known}.") from error


def text(report: Report, *, base: Path) -> Text:
    """One block a problem, its source line and a caret, and the count as last line."""
    blocks = [_block(report, problem, base) for problem in report.problems]
    not_run = [visible(not_run_in_words(rule)) for rule in report.not_run]
    return joined("\n", [*blocks, *not_run, *_what_fmt_mends(report), _totals(report)])


def _what_fmt_mends(report: Report) -> list[str]:
    """How many of the problems one command mends, where there are some."""
    count = sum(problem.fixable for problem in report.problems)
    return [f"'kb fmt' mends {count} of these, marked [kb fmt]"] if count else []


def not_run_in_words(rule: NotRun) -> str:
    """Which rule did not run, and why."""
    return f"{rule.rule} {rule.name} did not run: {rule.why}"


def _block(report: Report, problem: Problem, base: Path) -> Text:
    place = f"{shown_path(report, problem, base)}:{problem.line}:{problem.column}"
    hue = "red" if problem.severity == ERROR else "yellow"
    rule = styled(f"{problem.rule} {problem.name}", hue)
    word = "" if problem.severity == ERROR else f"{problem.severity}: "
    mark = " [kb fmt]" if problem.fixable else ""
    head = styled(visible(place), "bold") + ": " + rule + f": {word}{visible(problem.message)}"
    return joined("\n", [head + mark, *_source(report, problem, hue)])


def _source(report: Report, problem: Problem, hue: str) -> list[Text]:
    source = report.source_line(problem)
    if not source.strip():
        return []
    line, caret = caret_lines(source, problem.column, problem.length)
    return [text_of(f"    {line}"), "    " + styled(caret, hue)]


def _totals(report: Report) -> str:
    records = f"{report.records} record{'' if report.records == 1 else 's'}"
    errors = f"{report.errors} error{'' if report.errors == 1 else 's'}"
    return f"{records}, {errors}, {report.advice} advice"


def shown_path(report: Report, problem: Problem, base: Path) -> str:
    """The file as seen from `base`, with forward slashes; whole where it lies elsewhere."""
    path = report.root.absolute() / problem.path
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()


def as_json(report: Report, base: Path) -> str:
    """The contract `kb.check/1` (SPEC 10)."""
    return _dumped(problems_json(report, base))


def problems_json(report: Report, base: Path) -> dict[str, Any]:
    """The same as a value."""
    problems = [
        {
            "path": shown_path(report, problem, base),
            "line": problem.line,
            "column": problem.column,
            "rule": problem.rule,
            "name": problem.name,
            "severity": problem.severity,
            "message": problem.message,
            "fixable": problem.fixable,
        }
        for problem in report.problems
    ]
    return {
        "schema": "kb.check/1",
        "problems": problems,
        "records": report.records,
        "errors": report.errors,
        "advice": report.advice,
        "not_run": [
            {"rule": rule.rule, "name": rule.name, "why": rule.why} for rule in report.not_run
        ],
    }


def problems_schema() -> dict[str, Any]:
    """The JSON Schema of `problems_json`."""
    text, number = {"type": "string"}, {"type": "integer"}
    problem = {
        **dict.fromkeys(("path", "rule", "name", "severity", "message"), text),
        **dict.fromkeys(("line", "column"), number),
        "fixable": {"type": "boolean"},
    }
    not_run = dict.fromkeys(("rule", "name", "why"), text)
    whole = {
        "schema": {"const": "kb.check/1"},
        "problems": _objects(problem),
        **dict.fromkeys(("records", "errors", "advice"), number),
        "not_run": _objects(not_run),
    }
    return {"type": "object", "properties": whole, "required": list(whole)}


def _objects(properties: dict[str, Any]) -> dict[str, Any]:
    items = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "array", "items": items}


def as_github(report: Report, base: Path) -> str:
    """Workflow commands, one a problem, that GitHub shows at the line."""
    return "\n".join(_annotation(report, problem, base) for problem in report.problems)


def _annotation(report: Report, problem: Problem, base: Path) -> str:
    level = "error" if problem.severity == ERROR else "notice"
    values = {
        "file": shown_path(report, problem, base),
        "line": str(problem.line),
        "col": str(problem.column),
        "title": f"{problem.rule} {problem.name}",
    }
    pairs = ",".join(f"{key}={_escaped(value, also=':,')}" for key, value in values.items())
    return f"::{level} {pairs}::{_escaped(problem.message)}"


def _escaped(value: str, also: str = "") -> str:
    """Text as GitHub's workflow commands want it, printable in every encoding."""
    escaped = visible(value).replace("%", "%25")
    for mark in also:
        escaped = escaped.replace(mark, f"%{ord(mark):02X}")
    return escaped


def as_gitlab(report: Report, base: Path) -> str:
    """GitLab's Code Quality report; the fingerprint survives lines being added above."""
    seen: dict[str, int] = {}
    issues = []
    for problem in report.problems:
        path = shown_path(report, problem, base)
        identity = "\0".join([path, problem.rule, problem.message, report.source_line(problem)])
        count = seen[identity] = seen.get(identity, 0) + 1
        raw = f"{identity}\0{count}".encode("utf-8", errors="surrogatepass")
        issues.append(
            {
                "description": f"{problem.rule} {problem.name}: {problem.message}",
                "check_name": problem.rule,
                "fingerprint": hashlib.sha256(raw).hexdigest(),
                "severity": "major" if problem.severity == ERROR else "info",
                "location": {"path": path, "lines": {"begin": problem.line}},
            }
        )
    return _dumped(issues)


def as_sarif(report: Report, base: Path) -> str:
    """SARIF 2.1.0, with the reason of every rule that fired as its help."""
    fired = {problem.rule for problem in report.problems}
    rules = [rule for rule in all_rules() if rule.code in fired]
    index = {rule.code: number for number, rule in enumerate(rules)}
    driver = {
        "name": "kb",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_sarif_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {"level": "note", "message": {"text": not_run_in_words(rule)}}
                    for rule in report.not_run
                ],
            }
        ],
        "results": [_sarif_result(report, p, base, index[p.rule]) for p in report.problems],
    }
    return _dumped({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    help_text = f"{rule.reason}\n\nInstead of\n\n{rule.bad}\n\nwrite\n\n{rule.good}\n"
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.name.replace("-", " ")},
        "fullDescription": {"text": rule.reason},
        "help": {"text": help_text},
        "defaultConfiguration": {"level": _level(rule.severity)},
        "properties": {"tags": [rule.family]},
    }


def _sarif_result(report: Report, problem: Problem, base: Path, index: int) -> dict[str, Any]:
    from urllib.parse import quote

    region = {"startLine": problem.line, "startColumn": problem.column}
    if problem.length:
        region["endColumn"] = problem.column + problem.length
    path = shown_path(report, problem, base)
    uri = quote(path, errors="replace") if not Path(path).is_absolute() else Path(path).as_uri()
    return {
        "ruleId": problem.rule,
        "ruleIndex": index,
        "level": _level(problem.severity),
        "message": {"text": problem.message},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}},
        ],
    }


def _level(severity: str) -> str:
    return "error" if severity == ERROR else "note"


def _dumped(value: object) -> str:
    # ASCII only: lone surrogates, which stand for bytes that are no UTF-8, have no other form;
    # `kb.streams.echo_json` makes them U+FFFD.
    return json.dumps(value, indent=2, ensure_ascii=True)


#: The formats other than text, by the word of `kb check --format`.
FORMATS: dict[str, Callable[[Report, Path], str]] = {
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
    "gitlab": as_gitlab,
}
#: Those of them that are JSON.
JSON_FORMATS = frozenset({"json", "sarif", "gitlab"})
