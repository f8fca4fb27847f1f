"""HTML of pages comes from templates: values are escaped, blocks hold, a page kind is one row."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2 import DictLoader, UndefinedError
from kb.site import templates
from kb.site.pages.page_kinds import PAGE_KINDS
from kb.site.safe_html import to_html
from kb.site.templates import environment, render
from markupsafe import Markup

from conftest import ROOT
from page_dom import tokens

PAGES = ROOT / "kb/site/pages"
FOLDER = ROOT / "kb/site/templates"
Draw = Callable[..., str]


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Draws the text of a template with values."""

    def drawn(source: str, **values: object) -> str:
        made = environment().overlay(loader=DictLoader({"x.html": source}))
        monkeypatch.setattr(templates, "environment", lambda: made)
        return render("x.html", **values)

    return drawn


# Values


def test_a_value_is_text_in_an_element_and_in_an_attribute(draw: Draw) -> None:
    evil = "<b onclick='x'>\"&"
    html = draw('<p title="{{ evil }}">{{ evil }}</p>', evil=evil)
    assert tokens(html) == [("<", "p", (("title", evil),)), ("text", evil), (">", "p")]


def test_control_characters_and_lone_surrogates_are_replaced_even_where_texts_are_joined(
    draw: Draw,
) -> None:
    html = draw(
        '<p class="a{{ x }}">{{ ["<", x] | join }}{{ x ~ html }}</p>\n<h2>{{ x }}</h2>\n',
        x="\x1b\x02\ud800\x9b",
        html=Markup("<i>\x07</i>"),
    )
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", html)
    assert html.count("\ufffd") == 13
    assert "## " + "&#65533;" * 4 in html


def test_a_value_that_is_not_given_is_a_fault(draw: Draw) -> None:
    with pytest.raises(UndefinedError):
        draw("<p>{{ forgotten }}</p>")


def test_what_a_value_says_in_the_language_of_templates_is_text(draw: Draw) -> None:
    assert draw("<p>{{ x }}</p>", x="{{ 7 * 7 }}{% raw %}") == "<p>{{ 7 * 7 }}{% raw %}</p>"


# Blocks


def test_no_line_of_a_block_is_blank_whatever_the_values_hold(draw: Draw) -> None:
    html = draw(
        "<div>\n\n  {{ x }}\n{{ pre }}\n</div>\n<!-- block -->\n<!-- block -->\n<p>b</p>",
        x="a\n \t\n\r\rb\n\n",
        pre=to_html("    one\n\n\n    two"),
    )
    first, second = html.split("\n\n")
    assert all(line.strip() for line in first.splitlines())
    assert "one&#10;&#10;&#10;two" in first
    assert second == "<p>b</p>"


def test_a_bare_heading_becomes_markdown_that_is_only_text(draw: Draw) -> None:
    html = draw("<p>a</p>\n<h2>{{ x }}</h2>\n<p>b</p>", x="*a* <b> [c](d)")
    assert html.split("\n\n")[0] == "<p>a</p>"
    assert re.fullmatch(r"## [\w &#;,.]+", html.split("\n\n")[1])
    assert html.split("\n\n")[2] == "<p>b</p>"


def test_no_record_can_end_a_block_or_write_a_heading(draw: Draw) -> None:
    marks = "<h2>x</h2>\n<!-- block -->\n"
    html = draw("<div>\n{{ x }}\n{{ html }}\n</div>", x=marks, html=to_html(f"{marks}\n## y\n"))
    assert "\n\n" not in html
    assert "## " not in html


# Where HTML stands


@pytest.mark.parametrize(
    "path", sorted(p for p in PAGES.glob("*.py") if "chart" not in p.stem), ids=lambda p: p.stem
)
def test_no_page_module_holds_a_tag(path: Path) -> None:
    texts = (
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    assert [text for text in texts if re.search(r"</?[a-z]", text)] == []


def test_no_template_marks_a_value_as_safe() -> None:
    for path in FOLDER.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup", text), path.name


def test_every_template_is_a_page_kind_or_a_part_of_one() -> None:
    kinds = {kind.template for kind in PAGE_KINDS}
    sources = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.html")}
    parts = {name for text in sources.values() for name in re.findall(r'"(\w+\.html)"', text)}
    # The preview that an author looks at before signing is no page of the site.
    assert kinds | parts | {"side_by_side.html"} == set(sources)
    assert len(kinds) == len(PAGE_KINDS)


# A new page kind

SCRATCH = """
from collections.abc import Iterator
from kb.site.content import Site
from kb.site.pages.page import PageValues

def vendors(site: Site) -> Iterator[PageValues]:
    names = sorted({name for record in site.records for name in record.vendors})
    yield PageValues("vendors", "Vendors", {"names": names})
"""
BUILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from kb.library import open_library
from kb.repo import open_repo
from kb.site.related_incidents import no_search
from kb.site.gather import SiteRequest, gather
from kb.site.write import write_pages

root = Path(sys.argv[1])
library = open_library(root)
site = gather(library, open_repo(root), SiteRequest(datetime(2026, 6, 1, tzinfo=UTC), no_search))
write_pages(site, library, root / "out")
"""


def test_a_page_kind_is_one_template_one_function_and_one_row(
    library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "kb", copy / "kb", ignore=shutil.ignore_patterns("__pycache__"))
    pages = copy / "kb/site/pages"
    (pages / "vendors.py").write_text(SCRATCH, encoding="utf-8")
    template = "<ul>{% for name in names %}<li>{{ name }}</li>{% endfor %}</ul>\n"
    (copy / "kb/site/templates/vendors.html").write_text(template, encoding="utf-8")
    kinds = (pages / "page_kinds.py").read_text(encoding="utf-8")
    row = '    PageTemplate("vendors.html", vendors.vendors),\n'
    kinds = kinds.replace('    PageTemplate("rules.html"', f'{row}    PageTemplate("rules.html"')
    kinds = kinds.replace("    facet_pages,\n", "    vendors,\n    facet_pages,\n", 1)
    (pages / "page_kinds.py").write_text(kinds, encoding="utf-8")
    (library_folder / "postmortems/2026-01-02-x.md").write_text(
        "---\ntitle: T\ndate: 2026-01-02\nstatus: published\nvendors: [A & B]\n---\n\n"
        "## Summary\n\nIt paid.\n",
        encoding="utf-8",
    )
    subprocess.run(
        [sys.executable, "-c", BUILD, str(library_folder)],
        env=os.environ | {"PYTHONPATH": str(copy)},
        cwd=copy,
        check=True,
    )
    text = (library_folder / "out/vendors.md").read_text(encoding="utf-8")
    assert "<ul><li>A &amp; B</li></ul>" in text


def test_no_style_is_for_a_class_that_nothing_bears() -> None:
    sources = [path for end in ("py", "html", "js") for path in (ROOT / "kb").rglob(f"*.{end}")]
    written = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    whole = set(re.findall(r"kb-[a-z0-9-]*[a-z0-9]", written))
    begun = tuple(set(re.findall(r"kb-[a-z-]*[a-z](?:-(?=\{)|(?=\{))", written)))
    # `kb-{{ state }}`: the rest of the class is a word of the code.
    words = set(re.findall(r"[a-z]+", written.lower()))
    style = (ROOT / "kb/data/site/assets/kb.css").read_text(encoding="utf-8")
    classes = set(re.findall(r"\.(kb-[a-z0-9-]+)", style))
    unused = {
        name
        for name in classes - whole
        if not name.startswith(begun) and name.removeprefix("kb-") not in words
    }
    assert classes
    assert unused == set()
