"""What is done to what an engine built? Its policy is checked, and what no page needs is removed.

The templates carry the policy of pages without inline scripts. Where a team's own settings bring
one, each page gets the hashes of its own here.
"""

from __future__ import annotations

import re
from pathlib import Path

from kb.publish import csp
from kb.safe_files import Root

HEADERS = "_headers"
#: What the themes put around every page for their own script and navigation.
_LEFT_OVER = re.compile(
    r'<input class="md-toggle"[^<>]*>|<label class="md-overlay"[^<>]*></label>'
    r'|<meta name="generator"[^<>]*>|<link rel="(?:prev|next)"[^<>]*>'
    r'|<div data-md-component="announce">\s*</div>'
    r'|<div class="md-dialog"[^<>]*>\s*<div class="md-dialog__inner md-typeset"></div>\s*</div>'
)


def finish(folder: Path) -> None:
    """Finish a built folder; a second time changes nothing."""
    hashes: set[str] = set()
    root = Root(folder)
    for path in folder.rglob("*.html"):
        built = path.read_text(encoding="utf-8")
        html, own = finished(built)
        hashes.update(own)
        if html != built:
            root.fill(path.relative_to(folder), html.encode())
    root.fill(HEADERS, headers_text(sorted(hashes)).encode())
    _drop_unused(folder)


def finished(html: str) -> tuple[str, tuple[str, ...]]:
    """A page as it is published, and the hashes of its inline scripts."""
    own = csp.inline_hashes([html])
    return _compact(_without_left_overs(csp.with_policy(html, csp.policy(own)))), own


def headers_text(hashes: list[str]) -> str:
    """The policy for hosts that read a `_headers` file: it holds for every page."""
    return (
        f"/*\n  Content-Security-Policy: {csp.policy(hashes)}\n  X-Content-Type-Options: nosniff\n"
    )


def _drop_unused(folder: Path) -> None:
    """Remove the scripts and the search of the engines, which no page loads, and debugging aids."""
    root = Root(folder)
    root.remove_tree("assets/javascripts")
    own = (folder / name for name in ("sitemap.xml.gz", "search.json"))
    for path in (*folder.glob("assets/**/*.map"), *own):
        root.remove_file(path.relative_to(folder))


def _without_left_overs(html: str) -> str:
    before, start, rest = html.partition("<main")
    inside, end, after = rest.rpartition("</main>")
    return f"{_LEFT_OVER.sub('', before)}{start}{inside}{end}{_LEFT_OVER.sub('', after)}"


def _compact(html: str) -> str:
    """A page without the indentation of its templates.

    Lines inside `<pre>` are written as `&#10;`, so none is lost; scripts that are hashed are one
    line each.
    """
    return "\n".join(stripped for line in html.split("\n") if (stripped := line.strip())) + "\n"
