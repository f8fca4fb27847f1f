"""Are packed traces read as those in them, and is nothing in them passed over in silence?"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from kb.errors import KbError
from kb.traces.read_runs import open_reading

from hostile import damaged_zips
from test_cli import kb
from traces_made import asked, call, lines, runs_in

HI = lines({"role": "user", "content": "hi"}, asked(call(1, "pay", {"n": 1}))).encode()
HO = lines({"role": "user", "content": "ho"}).encode()


def zstd(raw: bytes) -> bytes:
    return pytest.importorskip("backports.zstd").compress(raw)


def tarred(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, raw in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    return out.getvalue()


def zipped(*files: tuple[str, bytes], store: bool = False) -> bytes:
    out = io.BytesIO()
    method = zipfile.ZIP_STORED if store else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, raw in files:
            archive.writestr(name, raw)
    return out.getvalue()


def file(tmp_path: Path, raw: bytes, name: str = "night.bin") -> Path:
    path = tmp_path / name
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_a_packed_file_is_read_as_the_one_in_it(pack, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (plain,) = runs_in(file(tmp_path, HI, "plain.jsonl"))
    (run,) = runs_in(file(tmp_path, pack(HI)))
    assert run.steps == plain.steps
    assert (run.provenance.file, run.calls[0].where) == ("night.bin", "line 2")


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_each_file_of_an_archive_is_read_and_the_others_are_named(pack, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = file(tmp_path, pack(("README.md", b"# Runs\n"), ("a/1.jsonl", HI), ("2.jsonl", HO)))
    reading = open_reading(path)
    assert [run.provenance.file for run in reading.runs()] == [
        "night.bin/a/1.jsonl",
        "night.bin/2.jsonl",
    ]
    assert [(row.where, row.verdict) for row in reading.rows.verdicts()] == [
        ("README.md", "left out"),
        ("a/1.jsonl line 1", "used"),
        ("a/1.jsonl line 2", "used"),
        ("2.jsonl", "used"),
    ]


def test_runs_of_an_archive_are_numbered_through_and_have_ids_of_their_own(tmp_path: Path) -> None:
    first, second = runs_in(file(tmp_path, zipped(("1.jsonl", HI), ("2.jsonl", HO))))
    assert first.id.removesuffix("-1") == second.id.removesuffix("-2")
    assert first.provenance.sha256 == second.provenance.sha256


def test_archives_in_archives_are_opened(tmp_path: Path) -> None:
    inner = tarred(("b/2.jsonl.gz", gzip.compress(HO)), ("1.zip", zipped(("x.jsonl", HI))))
    runs = runs_in(file(tmp_path, gzip.compress(inner), "all.tgz"))
    assert [run.provenance.file for run in runs] == [
        "all.tgz/b/2.jsonl",
        "all.tgz/1.zip/x.jsonl",
    ]


def test_names_and_links_inside_lead_nowhere(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for kind, name in ((tarfile.SYMTYPE, "s.jsonl"), (tarfile.LNKTYPE, "h.jsonl")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, str(tmp_path / "secret.jsonl")
            tar.addfile(link)
        for name in ("../up.jsonl", "/etc/root.jsonl"):
            entry = tarfile.TarInfo(name)
            entry.size = len(HO)
            tar.addfile(entry, io.BytesIO(HO))
    file(tmp_path, HI, "secret.jsonl")
    before = sorted(tmp_path.parent.iterdir())
    reading = open_reading(file(tmp_path, out.getvalue()))
    assert [run.trigger.text for run in reading.runs()] == ["ho", "ho"]
    left = [(row.where, row.why) for row in reading.rows.verdicts() if row.why]
    assert left == [
        (n, "is a link or a device: it is not followed") for n in ("s.jsonl", "h.jsonl")
    ]
    assert sorted(tmp_path.parent.iterdir()) == before


def test_what_is_damaged_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    many = lines(*({"role": "user", "content": os.urandom(200).hex()} for _ in range(20_000)))
    packed = gzip.compress(many.encode())
    reading = open_reading(file(tmp_path, packed[: len(packed) * 3 // 4]))
    (run,) = reading.runs()
    assert 1000 < len(run.messages) < 20_000
    assert [row.why for row in reading.rows.verdicts()][-1].startswith("damaged: ")


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_a_file_that_cannot_be_unpacked_ends_no_archive(pack, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    broken_zip = zipped(("x.jsonl", HI))[:60]
    archive = pack(
        ("1.jsonl", HI),
        ("2.parquet", b"PAR1 and nothing more"),
        ("3.zip", broken_zip),
        ("4.tar", tarred(("y.jsonl", HI))[:700]),
        ("5.zst", b"\x28\xb5\x2f\xfd and nothing more"),
        ("5.xz", b"\xfd7zXZ\x00 and nothing more"),
        ("6.jsonl", HO),
    )
    reading = open_reading(file(tmp_path, archive))
    assert [run.provenance.file[-7:] for run in reading.runs()][:1] == ["1.jsonl"]
    assert [run.provenance.file[-7:] for run in reading.runs()][-1:] == ["6.jsonl"]
    told = {row.where for row in reading.rows.verdicts() if row.why}
    assert {"2.parquet", "3.zip"} <= told
    assert any(where.startswith("5.zst") for where in told)
    assert any(where.startswith("5.xz") for where in told)


def declaring(kind: bytes, size: int) -> bytes:
    """A tar whose one header declares so much, and has nothing behind it."""
    entry = tarfile.TarInfo("a.json")
    entry.type, entry.size = kind, size
    return entry.tobuf(tarfile.GNU_FORMAT) + bytes(512)


@pytest.mark.parametrize(
    ("kind", "size"),
    [(tarfile.REGTYPE, 1 << 50), (tarfile.SYMTYPE, 1 << 50), (tarfile.XHDTYPE, 1 << 30)],
)
@pytest.mark.parametrize("wrap", [bytes, gzip.compress, lambda tar: zipped(("in.tar", tar))])
def test_a_header_that_declares_more_than_a_file_has_is_refused_at_once(
    kind: bytes, size: int, wrap: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """`tarfile` passes over a member by its declared size, block by block, to no end."""
    archive = file(tmp_path, wrap(declaring(kind, size)))
    status, out, err = kb("run", "show", str(archive), cwd=tmp_path)
    assert status != 0
    assert f"a header declares {size:,} bytes, which is no file" in " ".join((out + err).split())


@pytest.mark.parametrize("start", [b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"\x1f\x8b", b"BZh"])
def test_what_only_begins_like_a_packed_file_is_refused_in_a_sentence(
    start: bytes, tmp_path: Path
) -> None:
    status, _, err = kb(
        "run", "show", str(file(tmp_path, start + b" and nothing more")), cwd=tmp_path
    )
    assert status == 2
    assert "unexpected" not in err


def test_an_archive_without_a_trace_says_what_is_in_it(tmp_path: Path) -> None:
    path = file(tmp_path, zipped(("a.md", b"# a\n"), ("b.json", b'{"wind": 3}')))
    with pytest.raises(KbError, match=r"no trace is in it.*a.md: holds no JSON.*b.json: is in no"):
        runs_in(path)


def test_an_encrypted_file_of_a_zip_is_named(tmp_path: Path) -> None:
    raw = bytearray(zipped(("a.jsonl", HI), ("b.jsonl", HO)))
    at = raw.index(b"PK\x01\x02")
    raw[at + 8] |= 1
    reading = open_reading(file(tmp_path, bytes(raw)))
    assert [run.trigger.text for run in reading.runs()] == ["ho"]
    assert ("a.jsonl", "is encrypted") in [(r.where, r.why) for r in reading.rows.verdicts()]


def test_a_zip_whose_files_zstd_packed_is_read(tmp_path: Path) -> None:
    raw = bytearray(zipped(("a.jsonl", zstd(HI)), store=True))
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        raw[raw.index(mark) + at] = 93  # the method, as APPNOTE 6.3.8 numbers it
    (run,) = runs_in(file(tmp_path, bytes(raw), "log.eval"))
    assert (run.trigger.text, len(run.calls)) == ("hi", 1)


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * (1 << 20)) * 300
    status, _, err = kb("run", "show", file(tmp_path, bomb).name, cwd=tmp_path)
    assert (status, "unpacks to more than 200 times its size" in err) == (2, True)


def test_nothing_unpacked_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = file(tmp_path, zipped(("1.jsonl", HI), ("2.jsonl", HO)))
    first = next(open_reading(path).runs())
    assert first.trigger.text == "hi"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_size_that_an_extension_of_a_tar_declares_is_bounded_too(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("a.jsonl")
        entry.pax_headers = {"size": str(1 << 70)}
        tar.addfile(entry)
    with pytest.raises(KbError, match="an extension declares"):
        runs_in(file(tmp_path, out.getvalue(), "a.tar"))


@pytest.mark.parametrize("wrap", [bytes, lambda zip_: tarred(("in.zip", zip_), ("b.jsonl", HI))])
def test_a_damaged_zip_is_said_and_what_lies_beside_it_is_read(
    tmp_path: Path, wrap: Callable[[bytes], bytes]
) -> None:
    for name, raw in damaged_zips("ä.jsonl", HI).items():
        path = file(tmp_path, wrap(raw), f"{name}.x")
        if wrap is not bytes:
            assert len(runs_in(path)) == 1, name
            continue
        with pytest.raises(KbError) as told:
            runs_in(path)
        assert "unpacked" in str(told.value) or "encrypted" in str(told.value), name
