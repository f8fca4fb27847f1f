"""Finishes what an engine built: content-security policy, and files no page needs removed.

The templates carry the policy of pages without inline scripts. Where a team's own settings bring
one, each page gets the hashes of its own here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path, PurePath

from kb.parallel.forks import run_in_forks, usable_cores
from kb.safe_files import Root

_SCRIPT = re.compile(r"<script\b(?P<attributes>[^>]*)>(?P<body>.*?)</script\s*>", re.DOTALL | re.I)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_OURS = re.compile(r'(?<!\s)\s*+<meta http-equiv="Content-Security-Policy"[^<>]*>')


def inline_hashes(pages: Iterable[str]) -> tuple[str, ...]:
    """The hashes of the inline scripts of pages that this project's templates and engine wrote.

    Record text never holds one: it is sanitised before. Sorted, each once.
    """
    found = set()
    for html in pages:
        for match in _SCRIPT.finditer(html):
            if "src=" not in match["attributes"] and "application/json" not in match["attributes"]:
                digest = hashlib.sha256(match["body"].encode()).digest()
                found.add(f"'sha256-{base64.b64encode(digest).decode()}'")
    return tuple(sorted(found))


def policy(hashes: Iterable[str]) -> str:
    """The policy: nothing from elsewhere, no script but ours, no frame, no form sent away."""
    scripts = " ".join(("'self'", "'wasm-unsafe-eval'", *hashes))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def csp_meta_tag(text: str) -> str:
    """The policy as an element of a page's head."""
    return f'<meta http-equiv="Content-Security-Policy" content="{text}">'


def with_policy(html: str, text: str) -> str:
    """A page with the policy as the first element of its head, in place of an older one."""
    rest = _OURS.sub("", html, count=1)
    return _HEAD.sub(lambda match: f"{match[0]}\n{csp_meta_tag(text)}", rest, count=1)


HEADERS = "_headers"
#: Fewer are finished sooner than a process is ready that would finish some of them.
_WORTHWHILE = 500
#: What the themes put around every page for their own script and navigation.
_LEFT_OVER = re.compile(
    r'<div data-md-component="skip">\s*(?:<a [^<>]*>[^<]*</a>\s*)?</div>|'
    r'<input class="md-toggle"[^<>]*>|<label class="md-overlay"[^<>]*></label>'
    r'|<meta name="generator"[^<>]*>|<link rel="(?:prev|next)"[^<>]*>'
    r'|<div data-md-component="announce">\s*</div>'
    r'|<div class="md-dialog"[^<>]*>\s*<div class="md-dialog__inner md-typeset"></div>\s*</div>'
    r'|(?<=<div class="md-container") data-md-component="container"'
    r'|(?<=<main class="md-main") data-md-component="main"'
)


def finish(
    folder: Path, complete: Callable[[PurePath, str], str] = lambda name, built: built
) -> None:
    """Finish a built folder; a second time changes nothing.

    `complete` gives what is whole of a file that the engine built, by its name in the folder.
    """
    paths = tuple(folder.rglob("*.html"))
    cores = usable_cores() if len(paths) >= _WORTHWHILE else 1
    found = run_in_forks(partial(_finish_pages, folder, complete), paths, cores, may_repeat=False)
    Root(folder).fill(HEADERS, headers_text(sorted(set().union(*found))).encode())
    _drop_unused(folder)


def _finish_pages(
    folder: Path, complete: Callable[[PurePath, str], str], paths: Iterable[Path]
) -> set[str]:
    """Finish these files; the hashes of their inline scripts."""
    hashes: set[str] = set()
    with Root(folder).filler() as fill:
        for path in paths:
            name, built = path.relative_to(folder), path.read_text(encoding="utf-8")
            html, own = finished(complete(name, built))
            hashes.update(own)
            if html != built:
                fill(name, html.encode())
    return hashes


def finished(html: str) -> tuple[str, tuple[str, ...]]:
    """A page as it is published, and the hashes of its inline scripts."""
    html = _compact(_without_left_overs(html))
    own = inline_hashes([html])
    return with_policy(html, policy(own)), own


def headers_text(hashes: list[str]) -> str:
    """The policy for hosts that read a `_headers` file: it holds for every page."""
    return f"/*\n  Content-Security-Policy: {policy(hashes)}\n  X-Content-Type-Options: nosniff\n"


def _drop_unused(folder: Path) -> None:
    """Remove the scripts and the search of the engines, which no page loads, and debugging aids."""
    root = Root(folder)
    root.remove_tree("assets/javascripts")
    own = (folder / name for name in ("sitemap.xml.gz", "search.json"))
    for path in (*folder.glob("assets/**/*.map"), *own):
        root.remove_file(path.relative_to(folder))


def _without_left_overs(html: str) -> str:
    before, start, rest = html.partition("<article")
    inside, end, after = rest.rpartition("</article>")
    return f"{_LEFT_OVER.sub('', before)}{start}{inside}{end}{_LEFT_OVER.sub('', after)}"


def _compact(html: str) -> str:
    """A page without the indentation of its templates.

    Lines inside `<pre>` are written as `&#10;`, so none is lost.
    """
    return "\n".join(stripped for line in html.split("\n") if (stripped := line.strip())) + "\n"
