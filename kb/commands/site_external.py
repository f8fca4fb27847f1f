"""`kb site --edition external --propose` and `--preview`: what a person reads before signing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath

from kb.humanize import plural
from kb.library import Library
from kb.safe_files import Root
from kb.site.external.proposal import CHANGED, EDITED, NEW, Proposal, proposals
from kb.site.external.record_release import candidates
from kb.site.external.refusal import refuse_unread
from kb.site.external.side_by_side import previews
from kb.site.gather import names_of
from kb.site.work_folder import BUILD
from kb.site.work_folder import PREVIEWS as SIDE_BY_SIDE
from kb.streams import echo, warn
from kb.terminal import visible

PREVIEWS = PurePath(BUILD, SIDE_BY_SIDE)
_NEXT = """\
Read each external.md ({removed} lists what was taken out), and sign it in its front matter:
  approved: {{by: your-name, at: {day}}}
Then: kb site --edition external"""


def propose_all(library: Library) -> int:
    """Write the proposals that are new or changed, say what each needs; 1 where one has faults."""
    today = datetime.now(UTC).date()
    refuse_unread(library, today)
    root, open_ones, faulty = Root(library.root), 0, 0
    for proposal in proposals(library, names_of(library), today):
        for place, text in proposal.files:
            root.make_folder(place.parent)
            root.write_text(place, text, errors="replace")
        for line in _proposal_line(proposal):
            (warn if proposal.faults else echo)(visible(line))
        open_ones += not proposal.faults and not proposal.signed_by
        faulty += bool(proposal.faults)
    _say_next(library, open_ones, today.isoformat())
    return 1 if faulty else 0


def _say_next(library: Library, open_ones: int, day: str) -> None:
    if not candidates(library.published):
        warn("no published record says 'visibility: external': there is nothing to propose")
    elif open_ones:
        echo(f"\n{plural(open_ones, 'text')} to sign.")
        echo(_NEXT.format(removed="external-removed.md", day=day))


def _proposal_line(proposal: Proposal) -> list[str]:
    if proposal.faults:
        return [f"not proposed: {fault}" for fault in proposal.faults]
    lines = [f"{proposal.path}: {_state(proposal)}"]
    if proposal.question:
        lines.append(f"  one question, to be answered there: {proposal.question}")
    return lines


def _state(proposal: Proposal) -> str:
    amount = f"{proposal.replaced} replaced, {proposal.left_out} left out"
    if proposal.state == NEW:
        return f"proposed: {amount}"
    if proposal.state == CHANGED:
        before = f" since {proposal.signed_by} signed it" if proposal.signed_by else ""
        return f"proposed anew, for the record changed{before}: {amount}; 'git diff' shows what"
    if proposal.state == EDITED:
        return "your words are kept; they are to be signed now"
    return f"signed by {proposal.signed_by}" if proposal.signed_by else f"to be signed: {amount}"


def write_previews(library: Library) -> int:
    """Write a page for each external record, internal left and external right; say where."""
    today = datetime.now(UTC).date()
    refuse_unread(library, today)
    root = Root(library.root)
    root.make_folder(PREVIEWS)
    count = 0
    for name, page in previews(library, names_of(library), today):
        root.write_text(PREVIEWS / name, page, errors="replace")
        echo(visible((PREVIEWS / name).as_posix()))
        count += 1
    if not count:
        warn("no published record says 'visibility: external': there is nothing to show")
    return 0
