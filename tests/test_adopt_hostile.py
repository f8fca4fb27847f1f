"""`kb adopt` among files of strangers: what leads out is not read, and many cost what they are."""

from __future__ import annotations

import importlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from kb.adopt import input_files as found_files
from kb.adopt.adoption import plan
from kb.adopt.input_files import find_files
from kb.adopt.sources.source import SourceFile
from kb.library import open_library
from kb.repo import NoRepo

from hostile import damaged_zips
from test_adopt import adopt, team  # noqa: F401 - a fixture
from test_linear_readers import calls

TEXT = "# It fell over\n\nIncident date: 2026-01-01\n\nIt fell over.\n"


def test_a_link_of_a_folder_that_leads_out_is_named_and_not_read(team: Path) -> None:  # noqa: F811
    beside = team.parent / "beside.md"
    beside.write_text(f"{TEXT}A secret.\n")
    (team / "old" / "2026-01-01-leak.md").symlink_to(beside)
    (team / "old" / "2026-01-02-inside.md").symlink_to("PM 1.md")
    (team / "old" / "2026-01-03-device.md").symlink_to("/dev/zero")
    os.mkfifo(team / "old" / "2026-01-04-fifo.md")
    said = adopt("old")
    for name in ("2026-01-01-leak.md", "2026-01-03-device.md", "2026-01-04-fifo.md"):
        assert f"refused  old/{name}: cannot be read" in said
    assert "old/2026-01-02-inside.md: cannot be read" not in said
    assert not [p for p in (team / "postmortems").iterdir() if "A secret" in p.read_text()]
    assert "1 adopted" in adopt(str(beside))  # a path that somebody typed is followed


def test_what_is_no_utf_8_is_refused_with_what_it_is(team: Path) -> None:  # noqa: F811
    (team / "old" / "wide.md").write_bytes(TEXT.encode("utf-16"))
    (team / "old" / "binary.md").write_bytes(b"\x7fELF\0\0\1\xff")
    (team / "old" / "latin.md").write_bytes("Säumig\n".encode("latin-1"))
    said = adopt("old/wide.md", "old/binary.md", "old/latin.md")
    assert "refused  old/wide.md: UTF-16: save it as UTF-8" in said
    assert "refused  old/binary.md: no text" in said
    assert "refused  old/latin.md: byte 0xe4 is not UTF-8" in said


def test_a_name_is_free_in_steps_that_do_not_grow_with_the_files(team: Path) -> None:  # noqa: F811
    library = open_library(team)
    counts = []
    for n in (100, 200):
        folder = team / f"of-{n}"
        folder.mkdir()
        for number in range(n):
            (folder / f"n{number}.md").write_text(f"{TEXT}{number}\n")
        files = find_files([folder], team).files
        counts.append(calls(lambda files=files: plan(library, NoRepo("none"), files)))  # type: ignore[misc]
        assert len({one.target for one in plan(library, NoRepo("none"), files)}) == n
    assert counts[1] < 2.3 * counts[0]


def packed(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def test_archives_within_archives_share_one_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = packed({"a.md": b"x" * 4_000})
    (tmp_path / "outer.zip").write_bytes(packed({f"{n}.zip": inner for n in range(5)}))
    monkeypatch.setattr(found_files, "_MAX_UNPACKED_BYTES", 10_000)
    found = find_files([tmp_path / "outer.zip"], tmp_path)
    assert sum(len(one.file.raw) for one in found.files if not one.fault) <= 10_000
    assert [one.fault.partition(",")[0] for one in found.files if one.fault] == [
        "a zip of 1 files"
    ] * 3


SHAPES: dict[str, Any] = {
    "pagerduty": (
        lambda n: {"incident_number": n, "created_at": "2026-01-01T00:00:00Z", "title": "T"},
        lambda n: {"type": "trigger_log_entry", "incident": {"id": n}},
    ),
    "incident_io": (
        lambda n: {"incident_status": {}, "reference": f"INC-{n}", "name": "T"},
        lambda n: {"incident_id": n, "title": "Mend it", "status": "outstanding"},
    ),
    "rootly": (
        lambda n: {"type": "incidents", "attributes": {"title": "T", "sequential_id": n}},
        lambda n: {"type": "incident_action_items", "attributes": {"incident_id": n}},
    ),
}


@pytest.mark.parametrize("tool", SHAPES)
@pytest.mark.parametrize("are_one", [False, True])
def test_rows_of_many_incidents_are_looked_at_once(tool: str, *, are_one: bool) -> None:
    source = importlib.import_module(f"kb.adopt.sources.{tool}").SOURCE
    incident, row = SHAPES[tool]

    def work(count: int) -> int:
        ids = [1 if are_one else n for n in range(count)]
        found = [{**incident(n), "id": n} for n in ids] + [row(n) for n in ids]
        file = SourceFile("all.json", json.dumps(found).encode())
        assert len(source.read(file)) == count
        return calls(lambda: source.read(file))

    assert work(200) < 2.3 * work(100)


def test_a_damaged_zip_is_refused_and_the_files_beside_it_are_read(tmp_path: Path) -> None:
    (tmp_path / "postmortems").mkdir()
    (tmp_path / "sound.md").write_text(TEXT)
    for name, raw in damaged_zips("PM-ä.md", TEXT.encode()).items():
        (tmp_path / f"{name}.zip").write_bytes(raw)
        (tmp_path / f"{name}.docx").write_bytes(raw)
    found = find_files([tmp_path], tmp_path).files
    faults = {one.file.name: one.fault for one in found if one.fault}
    assert set(faults) == {f"{name}.zip" for name in damaged_zips("PM-ä.md", b"")}
    assert all(fault.startswith("a zip that cannot be unpacked: ") for fault in faults.values())
    planned = plan(open_library(tmp_path), NoRepo("none"), found)
    documents = [one for one in planned if one.source.endswith(".docx")]
    assert len(documents) == len(faults)
    assert all(one.refusal.startswith(("Word: no Word", "Word: a Word")) for one in documents)
