"""Serves the site on this machine and follows edits.

A changed record's page is written and built alone, with the pages of the navigation as empty
stand-ins, and copied over the old one; the rest of the site follows when the author pauses.
"""

from __future__ import annotations

import http.server
import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from kb.errors import KbError
from kb.library import Library, load_document, open_library
from kb.records.postmortem import interpret
from kb.records.record_files import is_record_name
from kb.safe_files import Root
from kb.site import links
from kb.site.build_site import Build, Say, build_site, engine_settings
from kb.site.content import Site
from kb.site.engines import run_engine
from kb.site.mkdocs_settings import settings_text
from kb.site.pages.page_kinds import incident_page
from kb.site.post_process import finished
from kb.site.search_index import is_installed
from kb.site.work_folder import EDIT, held_work
from kb.site.write import page_text, write, write_theme

HOST = "127.0.0.1"
_POLL_SECONDS = 0.2
#: How long nothing must change before everything is built again.
_PAUSE_SECONDS = 2.5
_PORTS = 20
_WAIT_SECONDS = 20.0
_LIVE = """(function wait(since) {
  fetch("/-/wait?since=" + since).then(function (r) { return r.text(); }).then(function (now) {
    if (since && now !== since) location.reload(); else wait(now);
  }).catch(function () { setTimeout(function () { wait(""); }, 2000); });
})("");
"""

_ROOT = re.compile(r'data-kb-root="(/[^"]+?)/?"')
Gather = Callable[[Library], Site]
State = dict[str, tuple[int, int]]


@dataclass
class ServedSite:
    """What is being served: the folder, and a number that grows with each change."""

    folder: Path
    version: int = 1
    changed: threading.Condition = field(default_factory=threading.Condition)

    def renew(self) -> None:
        """Tell every open page that it is old."""
        with self.changed:
            self.version += 1
            self.changed.notify_all()

    def wait(self, since: str) -> str:
        """The version, once it is another than `since` or some seconds have passed."""
        with self.changed:
            if since == str(self.version):
                self.changed.wait(_WAIT_SECONDS)
            return str(self.version)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of the site, with a line that reloads the page when it has changed."""

    def __init__(self, *args: Any, shown: ServedSite, **more: Any) -> None:
        self.shown = shown
        super().__init__(*args, directory=str(shown.folder), **more)

    def do_GET(self) -> None:
        """A page with its line for reloading, or any other file."""
        # Another site's page must not read this one through a name that leads here.
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if host not in {HOST, "localhost"}:
            self.send_error(403)
        elif self.path.startswith("/-/wait"):
            self._text(self.shown.wait(self.path.partition("since=")[2]), "text/plain")
        elif self.path == "/-/live.js":
            self._text(_LIVE, "text/javascript")
        elif (page := self._page()) is not None:
            self._html(page.read_text(encoding="utf-8"))
        elif (html := self._missing()) is not None:
            self._html(html, 404)
        else:
            with suppress(ConnectionError):
                super().do_GET()

    def _page(self) -> Path | None:
        if not self.path.partition("?")[0].endswith("/"):
            return None
        page = Path(self.translate_path(self.path)) / "index.html"
        return page if page.is_file() else None

    def _missing(self) -> str | None:
        """The site's own page for an address that leads nowhere, None for any other address."""
        page = self.shown.folder / "404.html"
        asked = Path(self.translate_path(self.path))
        if asked.is_file() or (asked / "index.html").is_file() or not page.is_file():
            return None
        html = page.read_text(encoding="utf-8")
        # Its addresses begin where the published site lies; this one lies at the top.
        root = _ROOT.search(html)
        return re.sub(rf'="{re.escape(root[1])}(?:/|(?="))', '="/', html) if root else html

    def _html(self, html: str, status: int = 200) -> None:
        script = '<script src="/-/live.js"></script></body>'
        self._text(html.replace("</body>", script, 1), "text/html", status)

    def _text(self, text: str, kind: str, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        with suppress(ConnectionError):  # the reader went on to another page
            self.wfile.write(body)

    def end_headers(self) -> None:
        """Never let a browser keep an old page."""
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal shows edits."""


def open_server(shown: ServedSite, port: int) -> http.server.ThreadingHTTPServer:
    """A server on the first free port from `port` on. Raises `KbError` when none is free."""
    handler = partial(Handler, shown=shown)
    for candidate in range(port, port + _PORTS):
        try:
            server = http.server.ThreadingHTTPServer((HOST, candidate), handler)
        except OSError:
            continue
        server.daemon_threads = True
        return server
    raise KbError(f"no free port from {port} on", todo="Name another with --port.")


@dataclass
class Preview:
    """A library that is watched, and the site made of it."""

    library: Library
    gather: Gather
    say: Say
    shown: ServedSite
    engine: str = "mkdocs"
    site: Site | None = None

    def build(self) -> None:
        """Make the whole site anew."""
        self.library = open_library(self.library.root)
        self.site = self.gather(self.library)
        build = Build(self.shown.folder, self.engine)
        for note in build_site(self.library, self.site, build, self.say).notes:
            self.say(f"{note}\n")
        self.shown.renew()

    def watch(self, stop: threading.Event) -> None:
        """Follow edits until told to stop."""
        known, dirty_since = self._first_states(), 0.0
        while not stop.wait(_POLL_SECONDS):
            try:
                now = record_states(self.library.folder)
            except OSError:  # the folder is being renamed, or is away: it may come back
                continue
            changed = {
                name for name in known.keys() | now.keys() if known.get(name) != now.get(name)
            }
            known = now
            if changed:
                dirty_since = time.monotonic()
                self._try(partial(self.show, changed))
            elif dirty_since and time.monotonic() - dirty_since > _PAUSE_SECONDS:
                dirty_since = 0.0
                self._try(self.build)

    def _first_states(self) -> State:
        try:
            return record_states(self.library.folder)
        except OSError:
            return {}

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except KbError as error:
            self.say(f"kb: {error}\n")
        except OSError as error:
            self.say(f"kb: {error.filename or 'the site'}: {error.strerror or error}\n")

    def show(self, names: Iterable[str]) -> None:
        """Build the pages of the records in these files again, and nothing else."""
        assert self.site is not None  # noqa: S101 - `build` comes before `watch`
        started = time.monotonic()
        ids = [self._read(name) for name in names]
        touched = [record_id for record_id in ids if record_id and record_id in self.site.by_id]
        if not touched:
            return
        self._build_pages(touched)
        self.shown.renew()
        self.say(f"{', '.join(touched)}: {time.monotonic() - started:.1f} s\n")

    def _read(self, name: str) -> str:
        """Take a changed file into the site; the id of its record, empty when it has none."""
        assert self.site is not None  # noqa: S101 - see `show`
        path = self.library.folder / name
        if not path.is_file():
            return ""
        record = interpret(load_document(path, self.library.form, self.library.root))
        if record is None:
            return ""
        records = tuple(r for r in self.site.records if r.id != record.id)
        drafts = tuple(r for r in self.site.drafts if r.id != record.id)
        if record.is_published:
            records = tuple(sorted((*records, record), key=lambda r: r.id))
        else:
            drafts = (*drafts, record)
        self.site = replace(self.site, records=records, drafts=drafts)
        return record.id

    def _build_pages(self, ids: Iterable[str]) -> None:
        assert self.site is not None  # noqa: S101 - see `show`
        with held_work(self.library.root, self.site, self.say) as work:
            self._build_pages_in(work, ids)

    def _build_pages_in(self, work: Path, ids: Iterable[str]) -> None:
        assert self.site is not None  # noqa: S101 - see `show`
        small = work / EDIT
        Root(work).remove_tree(EDIT)
        settings, _ = engine_settings(self.library.root, work, self.site)
        for entry in settings.get("nav", ()):
            target = next(iter(entry.values())) if isinstance(entry, dict) else entry
            write(small, f"pages/{target}", "# -\n")
        for record_id in ids:
            page = incident_page(self.site, self.site.by_id[record_id])
            write(small, f"pages/{page.path}.md", page_text(page, self.site))
        write_theme(small / "theme", has_index=is_installed())
        write(small, "mkdocs.yml", settings_text(settings))
        run_engine(self.engine, small / "mkdocs.yml")
        for record_id in ids:
            name = f"{links.incident(record_id)}/index.html"
            html = (small / "out" / name).read_text(encoding="utf-8")
            Root(self.shown.folder).write_text(name, finished(html)[0])


def record_states(folder: Path) -> State:
    """Name to time and size of each record file."""
    states: State = {}
    for path in folder.iterdir():
        if is_record_name(path.name):
            try:
                stat = path.stat()
            except OSError:
                continue
            states[path.name] = (stat.st_mtime_ns, stat.st_size)
    return states
