"""Rules on files that cannot be read, one for each fault that reading can find."""

from __future__ import annotations

from collections.abc import Iterator

from kb.lint.rule import Check, Finding, LintContext, rule
from kb.records.document import Document
from kb.records.record_files import MAX_SEARCHED_CHARACTERS

# Code, name of the fault in `Document.faults`, reason, bad, good.
_ROWS = (
    (
        "KB101",
        "unreadable",
        "A record nobody can open teaches nobody, and every number that counts records is wrong.",
        "$ ls -l 2026-04-12-refund-agent.md\n---------- 2026-04-12-refund-agent.md",
        "$ ls -l 2026-04-12-refund-agent.md\n-rw-r--r-- 2026-04-12-refund-agent.md",
    ),
    (
        "KB102",
        "outside-tree",
        "What a link out of the repository points at is in no commit and no review, and may be a "
        "file that must not be published.",
        "2026-04-12-refund-agent.md -> /home/somebody/notes.md",
        "2026-04-12-refund-agent.md",
    ),
    (
        "KB103",
        "too-large",
        "A record is read by people. Traces and logs belong beside it, in the folder of its name.",
        "2026-04-12-refund-agent.md    52 MB",
        "2026-04-12-refund-agent.md    11 kB\n2026-04-12-refund-agent/fixture.json",
    ),
    (
        "KB104",
        "not-utf-8",
        "Bytes in another encoding are shown differently on every machine, and search cannot read "
        "them.",
        "title: Caf\\xe9 agent ordered twice",
        "title: Café agent ordered twice",
    ),
    (
        "KB106",
        "unclosed-front-matter",
        "Without its closing line the front matter swallows the record, and nothing can sort, "
        "count or find it.",
        "---\ntitle: Refund agent paid twice\n\n## Summary",
        "---\ntitle: Refund agent paid twice\n---\n\n## Summary",
    ),
    (
        "KB107",
        "yaml-syntax",
        "Facts in broken YAML are lost to search, measures and the restart gate without a sound.",
        "title: Refund agent: paid twice",
        'title: "Refund agent: paid twice"',
    ),
    (
        "KB108",
        "duplicate-key",
        "Of two values under one key readers silently take one, and not all of them the same one.",
        "severity: SEV3\nseverity: SEV1",
        "severity: SEV1",
    ),
    (
        "KB109",
        "unclosed-fence",
        "Everything after an open code fence is code: headings, evidence and actions vanish.",
        "```evidence\nHELD: no\n\n## Root cause",
        "```evidence\nHELD: no\n```\n\n## Root cause",
    ),
)


def _reporter(fault_name: str) -> Check:
    def check(document: Document, _: LintContext) -> Iterator[Finding]:
        for fault in document.faults:
            if fault.name == fault_name:
                yield Finding(fault.line, fault.message, fault.column)
        if fault_name == "too-large":
            yield from _beyond_search(document)

    return check


def _beyond_search(document: Document) -> Iterator[Finding]:
    size = len(document.text) - document.front.end
    if size > MAX_SEARCHED_CHARACTERS:
        message = f"{size:,} characters: search reads the first {MAX_SEARCHED_CHARACTERS:,}"
        yield Finding(document.front.end_line + 1, message)


for _code, _name, _reason, _bad, _good in _ROWS:
    rule(_code, _name, reason=_reason, bad=_bad, good=_good)(_reporter(_name))


@rule(
    "KB105",
    "no-front-matter",
    reason="Class, clocks and owner stand in the front matter; a record without one cannot be "
    "counted, compared or gated.",
    bad="# Refund agent paid twice",
    good="---\ntitle: Refund agent paid twice\ndate: 2026-04-12\nstatus: draft\n---",
)
def no_front_matter(document: Document, _: LintContext) -> Iterator[Finding]:
    """One fault for the whole block, in place of one for each key it would hold."""
    if document.front.present or document.faults:
        return
    if document.source_line(1).lstrip("\ufeff").strip() == "+++":
        yield Finding(1, "TOML front matter is not read; write YAML between '---' lines")
        return
    yield Finding(
        1, "no front matter; begin the file with '---', title, date and status, '---' (kb new)"
    )
