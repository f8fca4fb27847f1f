"""The files of a site's `semantic/` folder: scripts, weights, words and vectors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from kb.errors import KbError
from kb.installation import install_line
from kb.library import Library
from kb.safe_files import Root
from kb.search.encoder.find_model_files import find_source
from kb.search.index.index import ready_encoder
from kb.site.content import Site
from kb.site.semantic.browser_encoder import browser_model
from kb.site.semantic.incident_vectors import documents

FOLDER = "semantic"


@dataclass(frozen=True, slots=True)
class Semantic:
    """The files of the folder by their names, and what a reader has to load, in bytes."""

    files: tuple[tuple[str, bytes], ...]
    loaded_bytes: int

    @property
    def megabytes(self) -> int:
        """The same in whole megabytes, rounded up: what the button says."""
        return -(-self.loaded_bytes // 1_000_000)

    def write(self, site_folder: Path) -> None:
        """Put the folder into a built site."""
        root = Root(site_folder)
        for name, raw in self.files:
            root.fill(f"{FOLDER}/{name}", raw)


def prepare(library: Library, site: Site) -> Semantic:
    """All that a browser needs to search this site by meaning.

    Raises `KbError` when the encoder is not on this machine, or is none a browser can run.
    """
    encoder = ready_encoder(library)
    source = find_source(library.config.search.model, library.root)
    model = browser_model(source, encoder.card)
    loaded = dict(
        _hashed_name(kind, end, raw)
        for kind, end, raw in (
            ("model", "bin", model.weights),
            ("vocabulary", "txt", model.vocabulary),
            ("documents", "bin", documents(library, site, encoder)),
        )
    )
    size = sum(map(len, loaded.values()))
    manifest = {
        "encoder": encoder.card.model,
        "bytes": size,
        **{name.partition("-")[0]: name for name in loaded},
    }
    text = json.dumps(manifest, indent=1).encode()
    return Semantic((("manifest.json", text), *loaded.items(), *_scripts()), size)


def _hashed_name(kind: str, end: str, raw: bytes) -> tuple[str, bytes]:
    """A name that changes with the content, so that a browser may keep the file for ever."""
    return f"{kind}-{hashlib.sha256(raw).hexdigest()[:12]}.{end}", raw


def _scripts() -> tuple[tuple[str, bytes], ...]:
    folder = files("kb.data").joinpath("site", FOLDER)
    found = ((entry.name, entry.read_bytes()) for entry in folder.iterdir())
    return tuple(sorted(pair for pair in found if pair[0].endswith(".js")))


def write_semantic_files(library: Library, site: Site, pages: Path) -> tuple[int, str]:
    """Write what search by meaning needs among a site's pages.

    The megabytes a reader loads and an empty text; or 0, and in a sentence why there is none.
    """
    try:
        semantic = prepare(library, site)
    except ImportError as error:
        return 0, f"No search by meaning: {error.name} is missing. {install_line('all')}"
    except KbError as error:
        return 0, " ".join(filter(None, (f"No search by meaning: {error.what}.", error.todo)))
    semantic.write(pages)
    return semantic.megabytes, ""
