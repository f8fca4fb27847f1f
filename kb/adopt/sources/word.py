"""Word: .docx files, of Google Docs too, by way of mammoth.

Headings are told by the styles "Title" and "Heading 1" to "Heading 6", as mammoth reads them:
https://github.com/mwilliamson/python-mammoth#writing-style-maps (read 2026-11-30).
"""

from __future__ import annotations

import io
import zipfile

from kb.adopt.sources.html_text import markdown_of, missing, parse
from kb.adopt.sources.source import ForeignText, PostmortemSource, SourceFile, UnreadableError
from kb.traces.decoding.zip_faults import ZIP_FAULTS

_STYLES = "p[style-name='Title'] => p.title:fresh\np[style-name='Subtitle'] => p:fresh"
#: What a document may grow to when it is unpacked: real ones with many images have less.
_MAX_UNPACKED_BYTES = 200_000_000
#: What its text may have: XML says each word in about a hundred bytes, and takes fifty times its
#: size when it is read.
_MAX_XML_BYTES = 10_000_000
#: Of its XML, closing ones too: 600,000 in a file of 10 KB took mammoth 24 s of a processor.
MOST_TAGS = 200_000


def _is_theirs(file: SourceFile) -> bool:
    return file.suffix == ".docx"


def _read(file: SourceFile) -> tuple[ForeignText, ...]:
    try:
        import mammoth
    except ImportError as error:
        raise missing() from error
    _refuse_bombs(file.raw)
    try:
        found = mammoth.convert_to_html(io.BytesIO(file.raw), style_map=_STYLES)
    except Exception as error:
        raise UnreadableError(f"a Word file that mammoth cannot read ({error})") from error
    page = parse(found.value.encode())
    named = page.select_one("p.title")
    title = named.get_text(" ", strip=True) if named else ""
    if named:
        named.extract()
    text, left = markdown_of(page, title)
    return (ForeignText(text.encode(), stem=file.path.stem, left=left),)


def _refuse_bombs(raw: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            _refuse_large(parts)
    except ZIP_FAULTS as error:
        raise UnreadableError("no Word file inside: .docx is a zip of XML") from error


def _refuse_large(parts: zipfile.ZipFile) -> None:
    xml = [part for part in parts.infolist() if part.filename.lower().endswith((".xml", ".rels"))]
    if (text := sum(part.file_size for part in xml)) > _MAX_XML_BYTES:
        raise UnreadableError(f"{text / 1e6:.0f} MB of XML; at most 10 MB are read")
    if (size := sum(part.file_size for part in parts.infolist())) > _MAX_UNPACKED_BYTES:
        raise UnreadableError(f"unpacks to {size / 1e6:.0f} MB, more than a document has")
    if (tags := sum(parts.read(part).count(b"<") for part in xml)) > MOST_TAGS:
        raise UnreadableError(f"XML of {tags:,} tags; at most {MOST_TAGS:,} are read")


SOURCE = PostmortemSource("Word", ".docx", _is_theirs, _read)
