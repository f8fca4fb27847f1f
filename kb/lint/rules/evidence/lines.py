"""Is every line of an evidence block read? What is no KEY: value line is read by nothing.

Unknown keys, unknown answers and repeated keys stay with the family sections, in `fields`.
"""

from __future__ import annotations

from collections.abc import Iterator

from kb.lint.rule import Context, Finding, rule
from kb.lint.rules.reading import quoted
from kb.records.document import Document


@rule(
    "KB411",
    "stray-evidence-line",
    reason="In an evidence block every line is KEY: value. Anything else is shown nowhere and "
    "found by nobody.",
    bad="HARM: money, 120 USD for\nthree days",
    good="HARM: money, 120 USD for\n  three days",
)
def _stray_evidence_line(document: Document, context: Context) -> Iterator[Finding]:
    for section in document.sections:
        taken = {n for field in section.fields for n in range(field.line, field.end_line + 1)}
        for line in section.lines:
            is_stray = line.is_evidence and not line.is_mark and line.number not in taken
            if not is_stray or not line.text.strip():
                continue
            start = len(line.text) - len(line.text.lstrip()) + 1
            message = (
                f"{quoted(line.text)} is no KEY: value line: indent it when it goes on with the "
                "line above, write the key as one word of capitals, or move it out of the fence"
            )
            yield Finding(line.number, message, start, len(line.text.strip()))
