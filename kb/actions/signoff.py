"""Sign-offs of a route's conditions, as edits of the records that are not written yet."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath

from kb.actions.close_and_sign_lines import ActionEdit, add_sign_off
from kb.actions.gate_decision import GateDecision
from kb.did_you_mean import folded
from kb.errors import KbError
from kb.library import Library
from kb.records.document import Document
from kb.records.postmortem import SignOff
from kb.repo import Repo


def sign_off(
    library: Library, repo: Repo, decision: GateDecision, *, owner: str, at: datetime
) -> tuple[ActionEdit, ...]:
    """The records of the route with an owner's acceptance of their conditions.

    A record whose conditions this owner has accepted already, as they stand, is left as it is.
    Raises `KbError` where there is nobody, no such route, or a record that differs from the commit
    the sign-off would name.
    """
    owner = owner.strip()
    if not owner:
        raise KbError("a sign-off needs an owner", todo="Name one: --sign-off payments-lead.")
    if decision.verdict == "unknown-route":
        near = f"Did you mean '{decision.near}'?" if decision.near else "Write it into its record."
        what = f"no record names the route '{decision.route}', so that it has no conditions"
        raise KbError(what, todo=near)
    second, commit = at.replace(microsecond=0), decision.as_of.commit[:12]
    wanted = ((document, _unsigned(decision, document, owner)) for document in library.documents)
    return tuple(
        _signed(library, repo, document, SignOff(owner, second, commit, labels))
        for document, labels in wanted
        if labels
    )


def _unsigned(decision: GateDecision, document: Document, owner: str) -> tuple[str, ...]:
    """The labels of a record to sign; none where this owner accepted them all as they stand."""
    conditions = [
        action
        for action in (*decision.blocking, *decision.met, *decision.waived)
        if action.record == document.id and action.label
    ]
    accepted = {
        label
        for record_id, signed in decision.signoffs
        if record_id == document.id and folded(signed.owner) == folded(owner)
        for label in signed.actions
    }
    is_news = any(
        action.label not in accepted
        or action.id in decision.reworded
        or (action.state == "cancelled" and action not in decision.waived)
        for action in conditions
    )
    labels = sorted({action.label for action in conditions}, key=_label_number)
    return tuple(labels) if is_news else ()


def _signed(library: Library, repo: Repo, document: Document, signed: SignOff) -> ActionEdit:
    base = repo.relative(library.root)
    path = (base or PurePosixPath()) / document.path.as_posix()
    committed = repo.read(path, signed.commit) if base is not None and signed.commit else None
    if committed is None or _plain(committed) != _plain(document.encode()):
        raise KbError(
            "differs from the last commit, and a sign-off names the commit it was given for",
            where=str(document.path),
            todo="Commit it first, then sign.",
        )
    return add_sign_off(document, signed)


def _plain(raw: bytes) -> bytes:
    """The bytes whatever the line ends: Git may convert them on the way."""
    return raw.replace(b"\r\n", b"\n")


def _label_number(label: str) -> int:
    return int(label[1:]) if label[1:].isdigit() else 0
