"""May the external edition be shown without a second look? Canaries in everything internal."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from kb.cli import cli
from kb.errors import KbError
from kb.library import open_library
from kb.records.form_sections import SECTIONS as FORM_SECTIONS
from kb.records.front_matter_keys import KEYS
from kb.site.build_site import Build, build_site
from kb.site.content import EXTERNAL, Edition
from kb.site.external.allowed_parts import SECTIONS

from external_texts import approved_site

NOW = datetime(2026, 11, 1, tzinfo=UTC)

EXTERNAL_RECORD = """---
title: The assistant answered for another customer
date: 2026-03-01
status: published
kind: incident
severity: SEV2
impact: customer-visible
classes: [context-leak]
causes: [prompt-defect]
missing_control: context-filter
route: CANARYroute
agent: {{name: CANARYagent, version: CANARYversion, autonomy: CANARYauto}}
models: [CANARYmodel]
vendors: [CANARYvendor]
tools: [CANARYtool]
systems: [CANARYsystem]
clocks:
  route_start: 2026-03-01T01:01:01Z
  first_impact: 2026-03-01T09:00:00Z
  detected: 2026-03-01T10:00:00Z
  contained: 2026-03-01T11:00:00Z
detected_by: CANARYdetected
customers_affected: 2
cost_usd: 987654
rescues: 13
visibility: external
affected_customers: [canary-customer-one, CANARYcustomer]
owners: [CANARYowner]
reviewed: {{by: CANARYreviewer, at: 2026-03-03T10:00:00Z}}
lessons_by: CANARYlessons
links: {{trace: CANARYtrace, channel: "#CANARY-1", prs: ["#CANARYpr1"]}}
shared: [{{with: CANARYcustomer, at: 2026-03-02T10:00:00Z}}]
signoffs: [{{owner: CANARYsigner, at: 2026-03-03T10:00:00Z, commit: abc1234, actions: [A1]}}]
sources: [https://example.org/CANARYsource]
aliases: [CANARYalias]
occurrences:
  - {{at: 2026-03-08T09:12:33Z, route: CANARYagainroute, trace: CANARYagaintrace,
     run: CANARYagainrun, customers: 31337, note: CANARYagain}}
x_unknown: CANARYunknownkey
---
# The assistant answered for another customer

A remark under the title. CANARYremark

## Summary

Two people saw an answer that was meant for canary-customer-one, and Canary Customer One told us.
The person who found it was Zacharias Canaryname, <zc@CANARYmail.example>, in #CANARYchannel-9.
See [the other one](2026-02-02-CANARYfile.md) and ![a picture](2026-03-01-x/CANARYimage.png).
INTERNAL_NOTE: CANARYbareunknown
<!-- CANARYcomment -->
Shown <!-- CANARYinlinecomment --> here, <!-- CANARYbegins
CANARYmiddle
CANARYends --> and there.
See the [trace](https://CANARYintranet.example/x), <https://CANARYhost.example>, [that][ref],
https://CANARYbare.example/path and ![picture][img].

[ref]: https://CANARYreference.example
[img]: CANARYpicture.png

```evidence
DAMAGED: the trust of two people
THREATENED: CANARYthreatened
CANARY_FIELD: CANARYfencedunknown
  CANARYcontinuation
```

### CANARYheading

CANARYbehindunknownheading

{sections}
## CANARYsection

CANARYunknownsection
"""


def _png(text: str) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixel = chunk(b"IDAT", zlib.compress(b"\0\0"))
    remark = chunk(b"tEXt", b"Comment\0" + text.encode())
    return b"\x89PNG\r\n\x1a\n" + header + remark + pixel + chunk(b"IEND", b"")


def _sections() -> str:
    """Every section of the form, with a canary in all of it that is internal."""
    parts = []
    for section in FORM_SECTIONS:
        if section.key == "summary":
            continue
        allowed = SECTIONS.get(section.key)
        lines = [
            f"{field.key}: {'shown' if allowed and field.key in allowed else f'CANARY{field.key}'}"
            for field in section.fields
        ]
        prose = "CANARYprose" if allowed is None else "Shown."
        block = "\n".join(("```evidence", *lines, "```"))
        action = "- [ ] A1: CANARYaction — owner: CANARYteam, due: 2026-09-09, lever: code"
        parts.append(f"## {section.heading}\n\n{prose}\n\n{block}\n")
        if section.key == "actions":
            parts.append(action + "\n")
    return "\n".join(parts)


@pytest.fixture
def library(library_folder: Path) -> Path:
    (library_folder / "kb.toml").write_text('[check]\npeople = ["Zacharias Canaryname"]\n')
    records = library_folder / "postmortems"
    text = EXTERNAL_RECORD.format(sections=_sections())
    (records / "2026-03-01-CANARYname-of-the-file.md").write_text(text)
    internal = text.replace("visibility: external", "visibility: internal")
    (records / "2026-02-02-CANARYfile.md").write_text(
        internal.replace("date: 2026-03-01", "date: 2026-02-02").replace(
            "The assistant answered", "CANARYinternaltitle"
        )
    )
    draft = text.replace("status: published", "status: draft").replace("The assis", "CANARYdraft")
    (records / "2026-04-04-CANARYdraft.md").write_text(draft)
    for name in ("2026-03-01-x", "2026-03-01-CANARYname-of-the-file"):
        (records / name).mkdir()
        (records / name / "CANARYimage.png").write_bytes(_png("CANARYmetadata"))
        (records / name / "fixture.json").write_text('{"a": "CANARYfixture"}')
    return library_folder


external = approved_site


def _bytes(path: Path) -> bytes:
    raw = path.read_bytes()
    if path.suffix == ".gz" or raw[:2] == b"\x1f\x8b":
        return raw + gzip.decompress(raw)
    return raw


def _leaks(folder: Path) -> list[str]:
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        raw = _bytes(path) if path.is_file() else b""
        found += [
            f"{name}: {match.decode(errors='replace')}"
            for match in re.findall(rb".{0,30}canary.{0,30}", name.encode() + b"\n" + raw, re.I)
        ]
    return found


@pytest.mark.site
@pytest.mark.parametrize("engine", ["mkdocs", "zensical"])
def test_no_byte_of_the_external_site_holds_anything_internal(library: Path, engine: str) -> None:
    pytest.importorskip("material" if engine == "mkdocs" else "zensical")
    out = library.parent / f"outside-{engine}"
    site = external(library)
    build_site(open_library(library), site, Build(out, engine), lambda text: None)

    assert _leaks(out) == []
    assert _leaks(library / "build" / "external-edition" / "pages") == []
    everything = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"987654" not in everything
    assert b"01:01" not in everything
    (page,) = (out / "incidents").glob("2026-03-01-the-assistant-answered-for-another-customer-*")
    html = (page / "index.html").read_text(encoding="utf-8")
    assert "the trust of two people" in html
    assert "Customer A" in html
    assert EXTERNAL.banner in html


def test_a_customer_gets_the_records_that_name_them_and_no_other(library: Path) -> None:
    records = library / "postmortems"
    other = (records / "2026-03-01-CANARYname-of-the-file.md").read_text()
    other = other.replace("CANARYcustomer]", "acme]").replace(
        "date: 2026-03-01", "date: 2026-05-05"
    )
    (records / "2026-05-05-for-acme.md").write_text(other)

    site = external(library, Edition("external", "acme"))

    assert [record.date.isoformat() for record in site.records] == ["2026-05-05"]


def test_a_customer_whom_no_external_record_names_is_an_error(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(library)
    result = CliRunner().invoke(cli, ["site", "--edition", "external", "--customer", "nobody"])
    assert isinstance(result.exception, KbError)
    assert "nobody" in str(result.exception)


def test_every_allowed_section_and_field_is_one_of_the_form() -> None:
    fields = {section.key: {field.key for field in section.fields} for section in FORM_SECTIONS}
    assert all(allowed <= fields[key] for key, allowed in SECTIONS.items())


def test_every_front_matter_key_is_either_allowed_or_absent(library: Path) -> None:
    """A key that is added to the form is absent until somebody allows it."""
    shown = {
        *("title", "date", "status", "origin", "kind", "severity", "impact", "classes", "causes"),
        *("missing_control", "clocks", "customers_affected", "visibility"),
    }
    record = external(library).records[0]
    for key in KEYS:
        if key.name not in shown:
            value = getattr(record, key.name, None)  # walls are no part of a record's values
            is_blank = not value or not any(
                getattr(value, n) for n in getattr(value, "__slots__", ())
            )
            assert is_blank, key.name
