"""The kinds of pages, one row each: adding one is a template, a function and a row."""

from __future__ import annotations

from kb.records.postmortem import Postmortem
from kb.site.content import Site
from kb.site.links import SitePage
from kb.site.pages import (
    actions_page,
    all_hands_page,
    facet_pages,
    home,
    incident,
    incident_lists,
    metrics_page,
    reference_pages,
)
from kb.site.pages.page import PageTemplate, rendered_page

INCIDENT = PageTemplate("incident.html", incident.incidents, of_record=incident.incident)

PAGE_KINDS: tuple[PageTemplate, ...] = (
    PageTemplate("home.html", home.home),
    PageTemplate("incidents.html", incident_lists.newest_incidents),
    PageTemplate("year.html", incident_lists.years),
    INCIDENT,
    PageTemplate("merged.html", incident.merged_away, internal=True),
    PageTemplate("facet_index.html", facet_pages.word_indexes),
    PageTemplate("facet.html", facet_pages.words),
    PageTemplate("facet_earlier.html", facet_pages.older_incident_pages),
    PageTemplate("metrics.html", metrics_page.metrics, internal=True),
    PageTemplate("all_hands.html", all_hands_page.all_hands, internal=True),
    PageTemplate("actions.html", actions_page.actions, internal=True),
    PageTemplate("rules.html", reference_pages.rules, internal=True),
    PageTemplate("form.html", reference_pages.form, internal=True),
)


def incident_page(site: Site, record: Postmortem) -> SitePage:
    """The page of one record."""
    return rendered_page(INCIDENT.template, incident.incident(site, record))
