"""Text of a record to HTML: rendered, then sanitised, for page, edition, feed and comment.

The Markdown is rendered first and the HTML is sanitised after: cleaning Markdown source breaks
`->` and `x<y`, and still lets attributes and `javascript:` through.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Set
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markupsafe import Markup

from kb.records.postmortem import Postmortem

#: Where a link of a record leads on the site; None drops the link and keeps its text.
LinkTarget = Callable[[str], str | None]

_TAGS = {
    *("p", "br", "hr", "ul", "ol", "li", "strong", "em", "del", "code", "pre", "blockquote"),
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "a", "img"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_IMAGE_WITHOUT_SOURCE = re.compile(r'<img(?: alt="([^"]*)")?(?: title="[^"]*")?>')
#: What makes a line more than plain text: without any of it rendering would give the line back.
_MARKED = re.compile(r"[\\`*_\[\]<&~|]|^(?:[-+>#=]|\d{1,9}[.)])")
_LINK_WITHOUT_TARGET = re.compile(r'<a(?: title="[^"]*")?>(.*?)</a>', re.DOTALL)
#: The longest section of the casebook and of the measuring data has 14,391. What is longer is data:
#: to lay out 2 MB of it takes half a minute, and more where it is written to that end.
_MAX_CHARACTERS = 50_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
#: A diagram stays its own source, which Git hosts draw: what draws it weighs three megabytes, and
#: would run what a record says.
_DIAGRAM = '<pre><code class="language-mermaid">'
_DIAGRAM_SAID = "<p><em>A diagram, as its Mermaid source:</em></p>\n<pre><code>"


def escape(text: str) -> str:
    """Plain text as HTML text, also safe inside a quoted attribute."""
    return html.escape(without_controls(text), quote=True)


def to_html(markdown: str, link: LinkTarget | None = None) -> Markup:
    """Record Markdown as sanitised HTML without blank lines, so that it can stand in a page.

    `link` maps the target of each link and image; without it, links to web addresses stay and
    everything else loses its link.
    """
    if len(markdown) > _MAX_CHARACTERS:
        return _as_written(markdown)
    text = without_controls(markdown)
    plain = _plain_paragraphs(text)
    return rendered_html(text, link) if plain is None else plain


def rendered_html(markdown: str, link: LinkTarget | None = None) -> Markup:
    """The same, whatever stands in the text, which holds no control characters."""
    rendered = _renderer().render(markdown).replace(_DIAGRAM, _DIAGRAM_SAID)
    cleaned = _cleaner(link or web_only).clean(rendered)
    cleaned = _IMAGE_WITHOUT_SOURCE.sub(lambda match: match[1] or "", cleaned)
    cleaned = _LINK_WITHOUT_TARGET.sub(r"\1", cleaned)
    # A blank line would end an HTML block of the page it is put into; those of code are kept.
    kept = re.sub(
        r"<pre>.*?</pre>", lambda m: m[0].replace("\n", "&#10;"), cleaned, flags=re.DOTALL
    )
    safe = re.sub(r"\n(?:[ \t]*\n)+", "\n", kept).strip()
    return Markup(safe)  # noqa: S704 - sanitised above; nothing else makes HTML of a record


def _as_written(markdown: str) -> Markup:
    """A text that is too long to be laid out: its source, and why it is shown so."""
    source = escape(markdown).replace("\n", "&#10;")
    why = f"More than {_MAX_CHARACTERS:,} characters in one section, shown as they were written:"
    text = f"<p><em>{why}</em></p>\n<pre><code>{source}</code></pre>"
    return Markup(text)  # noqa: S704 - escaped above


def _plain_paragraphs(text: str) -> Markup | None:
    """Paragraphs without a mark as HTML, as rendering would give them; None for any other text."""
    if "\r" in text:
        return None
    for line in text.strip("\n").split("\n"):
        if line and (line != line.strip() or _MARKED.search(line)):
            return None
    paragraphs = (part for part in text.split("\n\n") if part.strip("\n"))
    escaped = (html.escape(part.strip("\n"), quote=False) for part in paragraphs)
    return Markup("\n".join(f"<p>{one}</p>" for one in escaped))  # noqa: S704 - escaped


@lru_cache(maxsize=4)
def _cleaner(target: LinkTarget) -> nh3.Cleaner:
    """What sanitises; made once for the links of a page, for it takes longer than its work."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        if (tag, name) == ("a", "href"):
            return target(value)
        if (tag, name) == ("img", "src"):  # no picture from elsewhere: no request leaves the page
            return None if web_only(value) else target(value)
        return value

    return nh3.Cleaner(
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        attribute_filter=attribute,
        link_rel=None,  # pages open no windows, and send no referrer to anybody
    )


def to_inline_html(markdown: str, link: LinkTarget | None = None) -> Markup:
    """The same for one line: no paragraph around it."""
    line = " ".join(without_controls(markdown).split())
    if not _MARKED.search(line):
        return Markup(html.escape(line, quote=False))  # noqa: S704 - escaped, and without a mark
    text = to_html(line, link)
    if text.startswith("<p>") and text.endswith("</p>") and text.count("<p>") == 1:
        return text[3:-4]
    return text


def web_only(target: str) -> str | None:
    """A web address as it is, None for every other target."""
    return target if re.match(r"https?://", target, re.IGNORECASE) else None


def without_controls(text: str) -> str:
    """The text with control characters, terminal escapes and lone surrogates replaced."""
    return _CONTROL.sub("\ufffd", text)


@lru_cache(maxsize=1)
def _renderer() -> MarkdownIt:
    # html=False shows raw HTML as the text it is; the depth limit stops quadratic nesting.
    options = {"html": False, "linkify": False, "typographer": False, "maxNesting": 20}
    renderer = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote"]}
    renderer.block.ruler.before("fence", "comment", _skip_comment_lines, interrupts)
    renderer.inline.ruler.before("autolink", "comment", _skip_comment)
    return renderer


def _skip_comment_lines(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """Leave out lines that are a comment and nothing else; one that is not closed stays text."""
    start = state.bMarks[first] + state.tShift[first]
    if state.is_code_block(first) or not state.src.startswith("<!--", start):
        return False
    close = state.src.find("-->", start)
    last = next((n for n in range(first, end) if close >= 0 and state.eMarks[n] >= close), None)
    if last is None or state.src[close + 3 : state.eMarks[last]].strip():
        return False
    if not silent:
        state.line = last + 1
    return True


def _skip_comment(state: StateInline, silent: bool) -> bool:
    """Leave out a comment inside a paragraph."""
    close = state.src.find("-->", state.pos, state.posMax)
    if not state.src.startswith("<!--", state.pos) or close < 0:
        return False
    state.pos = close + 3
    return True


#: Values of DAMAGED that tell a reader less than any sentence.
_NO_DAMAGE = {"", "none", "nothing", "unknown", "n/a"}
_WORDS = re.compile(r"\w+")
#: A first sentence below this is a heading in disguise ("The agent paid twice.").
_FEW_CHARACTERS = 40
#: Where a sentence ends: not behind an initial or an abbreviation (`Mata v. Avianca`, `e.g.`).
_SENTENCE = re.compile(
    r"(?<=[.!?])(?<!\b[A-Za-z]\.)(?<!\b(?:vs|Mr|Ms|Dr|No|St|cf)\.)(?<!\b(?:Mrs|etc)\.)\s+"
)


def summary_text(record: Postmortem, limit: int = 300) -> str:
    """The first sentences of the summary, up to about `limit` characters; empty where none is."""
    section = record.section("summary")
    if section is None:
        return ""
    return cut(plain(section.prose), limit)


def list_summary(record: Postmortem, limit: int) -> str:
    """What a list says of a record: its summary, or the damage where that begins with nothing.

    A first sentence says nothing that is short, or has no word that is not in the title.
    """
    text = summary_text(record, limit) or _first_prose(record, limit)
    first = _SENTENCE.split(text, maxsplit=1)[0]
    damaged = record.value("summary", "DAMAGED").strip()
    if damaged.casefold() in _NO_DAMAGE or not _says_nothing(first, record.title):
        return text
    return cut(plain(damaged), limit)


def _first_prose(record: Postmortem, limit: int) -> str:
    """The first prose of an adopted record, which may call its summary anything."""
    texts = (plain(section.prose) for section in record.sections) if record.is_adopted else ()
    return cut(next((text for text in texts if len(text) >= _FEW_CHARACTERS), ""), limit)


def _says_nothing(sentence: str, title: str) -> bool:
    words = _WORDS.findall(sentence.casefold())
    return len(sentence) < _FEW_CHARACTERS or set(words) <= set(_WORDS.findall(title.casefold()))


@lru_cache(maxsize=4096)
def plain(markdown: str) -> str:
    """Markdown of one paragraph without its marks.

    Remembered: a record's summary stands in the lists of its class, causes, tools, route and owner.
    """
    line = " ".join(markdown.split())
    if not _MARKED.search(line) or len(line) > _MAX_CHARACTERS:
        return line
    tokens = _renderer().parseInline(line)[0].children or []
    return " ".join("".join(token.content for token in tokens).split())


#: Shorter words stand in any sentence.
_TELLING = re.compile(r"\w{5,}")


def telling_words(text: str) -> frozenset[str]:
    """The words of a text that say what it is about."""
    return frozenset(_TELLING.findall(text.casefold()))


def cut_at_words(text: str, wanted: Set[str], limit: int) -> str:
    """The text from the sentence on that has most of some words, cut as `cut` does."""
    sentences = _SENTENCE.split(text)
    shared = [len(wanted & telling_words(sentence)) for sentence in sentences]
    return cut(" ".join(sentences[shared.index(max(shared)) :]), limit)


def cut(text: str, limit: int) -> str:
    """Whole sentences up to `limit` characters, at least one, which is cut where it is longer."""
    kept = ""
    for sentence in _SENTENCE.split(text):
        if kept and len(kept) + len(sentence) + 1 > limit:
            break
        kept = f"{kept} {sentence}".strip()
    if len(kept) <= limit:
        return kept
    return kept[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:(–— ") + "…"
