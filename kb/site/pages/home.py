"""The home page: search, open gates, three answers, news."""

from __future__ import annotations

from datetime import date

from kb.format import in_words, plural
from kb.metrics.values import QuestionAnswer
from kb.site import links
from kb.site.content import Site
from kb.site.html import escape
from kb.site.links import SitePage
from kb.site.pages.actions_page import gate_rows
from kb.site.pages.lists import incident_rows
from kb.site.pages.pieces import anchor, block, day, rows

_NEWEST = 8
_CLASSES = 8
#: The question to which yes is bad news.
_BAD_WHEN_YES = "repeating"


def home_page(site: Site) -> SitePage:
    """The page at the root of the site."""
    parts = [_hero(site), _gates(site), _answers(site), _columns(site)]
    body = "\n".join(part for part in parts if part)
    return SitePage(links.HOME, site.name, block(body), _said(site), searchable=False)


def _said(site: Site) -> str:
    count = len(site.records)
    what = "an incident" if count == 1 else "incidents"
    said = f"{plural(count, 'postmortem')} of {what} caused by AI agents."
    if site.measured is not None and site.measured.origin == "public":
        return f"{said} They are public incidents of others: a casebook, not a team's record."
    return said


def _hero(site: Site) -> str:
    return (
        f'<section class="kb-hero"><h1>{escape(site.name)}</h1><p>{_said(site)}</p>\n'
        '<button type="button" class="kb-search-big" data-kb-search>'
        "<span>Has this happened before?</span><kbd>/</kbd></button></section>"
    )


def _gates(site: Site) -> str:
    if not site.edition.is_internal:
        return ""
    held = [action for action in site.gates if action.gate != "rollout"]
    if not held:
        return ""
    routes = len({action.route for action in held})
    said = f"{plural(routes, 'route')} may not run again until this is done"
    return (
        f'<section class="kb-gates" aria-labelledby="kb-gates"><h2 id="kb-gates">{said}</h2>\n'
        f"{gate_rows(site, held[:5], links.HOME)}\n"
        f"<p>{anchor(links.relative(links.HOME, links.ACTIONS), 'All open conditions')}</p>"
        "</section>"
    )


def _answers(site: Site) -> str:
    if site.measured is None:
        return ""
    cards = "".join(answer_card(answer) for answer in site.measured.answers)
    goal = anchor(links.relative(links.HOME, links.METRICS), "How these are counted")
    return (
        '<section class="kb-answers" aria-label="Are we learning?">\n'
        f'<div class="kb-cards">{cards}</div><p class="kb-quiet">{goal}</p></section>'
    )


def _tied(line: str) -> str:
    """The line with no break between a number and its sign, or `n` and its number."""
    return line.replace(" %", "\N{NO-BREAK SPACE}%").replace("(n ", "(n\N{NO-BREAK SPACE}")


def answer_card(answer: QuestionAnswer) -> str:
    """One of the three questions with its verdict and the line that carries it."""
    is_bad_yes = _BAD_WHEN_YES in answer.question
    good = {"yes": not is_bad_yes, "no": is_bad_yes}.get(answer.verdict.split(",")[0])
    css = {True: "kb-good", False: "kb-bad", None: "kb-unclear"}[good]
    lines = [escape(_tied(line)) for line in answer.lines]
    first = lines[0] if lines else ""
    rest = "".join(f"<p>{line}</p>" for line in lines[1:])
    return (
        f'<div class="kb-answer {css}"><h2>{escape(answer.question)}</h2>'
        f'<p class="kb-word">{escape(answer.verdict.capitalize())}</p>'
        f'<p class="kb-first">{first}</p>{rest}</div>\n'
    )


def _columns(site: Site) -> str:
    more = anchor(links.relative(links.HOME, links.INCIDENTS), "All incidents")
    listed = incident_rows(site, site.newest[:_NEWEST], links.HOME)
    nothing = '<p class="kb-quiet">No record is published yet: <code>kb new</code> begins one.</p>'
    return (
        '<div class="kb-columns"><section aria-labelledby="kb-newest">'
        f'<h2 id="kb-newest">Newest</h2>\n{listed or nothing}\n<p>{more if listed else ""}</p>'
        f"</section>{_classes(site)}</div>"
    )


def _classes(site: Site) -> str:
    if not site.by_class:
        return ""
    latest = sorted(
        (
            (max(record.date for record in members), len(members), word)
            for word, members in site.by_class.items()
        ),
        reverse=True,
    )
    items = rows((_class(site, *row) for row in latest[:_CLASSES]), "kb-class-list")
    more = anchor(links.relative(links.HOME, "classes"), "All classes")
    return (
        '<section aria-labelledby="kb-latest"><h2 id="kb-latest">Seen most recently</h2>\n'
        f"{items}\n<p>{more}</p></section>"
    )


def _class(site: Site, latest: date, count: int, word: str) -> str:
    name = anchor(
        links.relative(links.HOME, site.names.path("classes", word)), escape(in_words(word))
    )
    return f"{name}<small>{plural(count, 'record')}, last {day(latest)}</small>"
