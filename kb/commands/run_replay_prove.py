"""`kb run replay FIXTURE --prove OLD NEW`: whether the fixture tells the incident from its fix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.commands.replay_options import prepared_run, replay_settings
from kb.config import read_config
from kb.errors import KbError
from kb.library import find_root, open_library
from kb.repo import open_repo
from kb.safe_files import replace_known
from kb.streams import echo, echo_json, warn
from kb.terminal import visible
from kb.traces.replay.prove import (
    PROVED_KEY,
    RegressionProof,
    RevisionOutcome,
    prove,
    with_proved,
)
from kb.trusted_settings import allowed_values

if TYPE_CHECKING:
    from kb.traces.replay.trials import Settings

_MOST_PYTHONS = 2


def prove_fixture(fixture: Path, as_json: bool, asked: dict[str, Any]) -> int:
    """Replay at both revisions, say what that shows, and write it into the record if it does."""
    run = prepared_run(fixture, asked)
    root = find_root(Path.cwd())
    code = asked["repository"] or root
    repo = open_repo(code)
    commits = [repo.resolve(name) for name in asked["prove"]]
    proof = prove(run, repo, code, commits, _settings_of_both(root, asked))
    if as_json:
        echo_json(json.dumps(_json(proof, root), ensure_ascii=False, indent=2))
    else:
        for side in (proof.old, proof.new):
            echo(f"{side.replay.verdict.value:<12} {side.share:>5}  {side.sha}{_fault(side, root)}")
        head = PROVED_KEY if proof.is_proved else f"NOT {PROVED_KEY}"
        echo(visible(f"{head}: {proof.reason}"))
    if proof.is_proved:
        _write(fixture, proof.line)
    return 0 if proof.is_proved else 1


def _settings_of_both(root: Path, asked: dict[str, Any]) -> tuple[Settings, Settings]:
    """The settings for the old and the new code, each with its interpreter."""
    pythons = asked["pythons"]
    if len(pythons) > _MOST_PYTHONS:
        raise click.UsageError("--python is named once for both revisions, or once for each")
    config = read_config(root)
    old = replay_settings(root, config, asked | {"pythons": pythons[:1]})
    new = replay_settings(root, config, asked | {"pythons": pythons[-1:]})
    return old, new


def _fault(side: RevisionOutcome, root: Path) -> str:
    """Why the first trial that did not pass did not, in one line."""
    from kb.traces.replay.report import redact_report
    from kb.traces.replay.suite import trial_reason

    allow = allowed_values(root, read_config(root))
    trials = redact_report(side.replay, allow).trials
    why = next(filter(None, map(trial_reason, trials)), "")
    return f"  {visible(why)}" if why else ""


def _json(proof: RegressionProof, root: Path) -> dict[str, Any]:
    from kb.traces.replay.report import replay_json

    allow = allowed_values(root, read_config(root))
    sides = {
        name: {
            "commit": side.commit.sha,
            "verdict": side.replay.verdict.value,
            "replay": replay_json(side.replay, allow),
        }
        for name, side in (("old", proof.old), ("new", proof.new))
    }
    return {
        "schema": "kb.run-replay-proof/1",
        "proved": proof.is_proved,
        "reason": proof.reason,
        **sides,
    }


def _write(fixture: Path, line: str) -> None:
    """Put the line into the record beside whose folder the fixture lies; say so, or which one."""
    library = open_library(Path.cwd())
    record_id = fixture.absolute().parent.name
    document = next((one for one in library.documents if one.id == record_id), None)
    if document is None:
        warn(visible(f"no record is named {record_id}: write into it {PROVED_KEY}: {line}"))
        return
    text = with_proved(document, line)
    before = document.text.encode("utf-8", "surrogateescape")
    after = text.encode("utf-8", "surrogateescape")
    if not replace_known(library.root / document.path, before, after):
        raise KbError(
            "changed meanwhile; nothing was written",
            where=str(document.path),
            todo=f"Write this line below FIXTURE: {PROVED_KEY}: {line}",
        )
    warn(visible(f"{document.path}: {PROVED_KEY} written"))
