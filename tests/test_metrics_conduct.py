"""How routes warned, were stopped, and took a tool's failure: values counted by hand."""

from __future__ import annotations

from datetime import date
from pathlib import PurePath

import pytest
from kb.as_of import AsOf
from kb.metrics.inputs import MetricsInput
from kb.metrics.registry import MEASURES
from kb.metrics.result_types import Measure
from kb.records.document import read_document
from kb.records.form import build_form
from kb.records.postmortem import Postmortem, interpret
from kb.site.pages.metrics_page import FAMILIES, explained

from known_library import noon

FORM = build_form()
TODAY = date(2026, 6, 30)


def told(day: int, warned: str = "", contained: str = "", handled: str = "") -> Postmortem:
    """A published record of a day of April, with what it says of these three."""
    lines = [f"warned_by: {warned}"] if warned else []
    lines += [f"contained_by: {contained}"] if contained else []
    answer = f"TOOL_FAILURE_HANDLED: {handled}" if handled else "TOOL_LOG: trace 4bf9"
    text = (
        f"---\ntitle: incident {day}\ndate: 2026-04-{day:02}\nstatus: published\norigin: own\n"
        f"kind: incident\nroute: refunds-agent\n"
        f"clocks: {{first_impact: 2026-04-{day:02}T12:00:00Z}}\n"
        + "".join(f"{line}\n" for line in lines)
        + f"---\n# incident {day}\n\n## Agent path\n\n```evidence\n{answer}\n```\n"
    )
    path = PurePath(f"2026-04-{day:02}-incident.md")
    meant = interpret(read_document(text.encode(), path, FORM))
    assert meant is not None
    return meant


#: Eight records: two name no warning, three no containment; of five that answer, in one no tool
#: failed, in one the failure was taken well, in three poorly.
RECORDS = (
    told(1, "failed-verification", "paused", "poorly (a timeout was taken for a failure)"),
    told(2, "failed-verification", "paused", "poorly"),
    told(3, "weak-evidence", "manual-control", "well"),
    told(4, "manual-corrections", "narrowed", "none"),
    told(5, "none", "ended-by-itself", "poorly"),
    told(6, "failed-verification", "", ""),
    told(7, "", "", ""),
    told(8),
)


def measured(name: str, *records: Postmortem) -> Measure:
    row = next(row for row in MEASURES if row.name == name)
    return row.measure(MetricsInput(known=records, as_of=AsOf(noon(TODAY))))


def kinds(measure: Measure) -> dict[str, float | None]:
    return {part.label: part.value for part in measure.parts_by("kind")}


def test_warnings_are_counted_by_kind_and_those_unsaid_are_told() -> None:
    found = measured("warnings_by_kind", *RECORDS)
    assert (found.value, found.n) == (6, 6)
    assert kinds(found) == {
        "failed-verification": 3,
        "weak-evidence": 1,
        "manual-corrections": 1,
        "none": 1,
    }
    assert any("2 records left out: no warned_by." in note for note in found.notes)


def test_containment_is_counted_by_the_way_the_route_was_stopped() -> None:
    found = measured("containment_by_kind", *RECORDS)
    assert (found.value, found.n) == (5, 5)
    assert kinds(found) == {
        "paused": 2,
        "manual-control": 1,
        "narrowed": 1,
        "ended-by-itself": 1,
    }
    assert any("3 records left out: no contained_by." in note for note in found.notes)


def test_tool_failures_handled_poorly_are_a_share_of_those_that_somebody_judged() -> None:
    found = measured("tool_failures_poorly", *RECORDS)
    assert found.value == pytest.approx(3 / 4)
    assert found.n == 4
    assert found.hits == ("2026-04-01-incident", "2026-04-02-incident", "2026-04-05-incident")
    assert any("3 records left out" in note for note in found.notes)


def test_an_empty_library_claims_nothing() -> None:
    assert measured("warnings_by_kind").value in {None, 0}
    assert measured("tool_failures_poorly").value is None


def test_the_metrics_page_has_a_place_for_each_of_them() -> None:
    names = {"warnings_by_kind", "containment_by_kind", "tool_failures_poorly"}
    families = {row.name: row.family for row in MEASURES if row.name in names}
    assert set(families) == names
    assert set(families.values()) <= set(FAMILIES)


def test_the_metrics_page_tells_the_kinds() -> None:
    facts = dict(explained(measured("containment_by_kind", *RECORDS)))
    assert "Paused 2" in facts["By kind"]
    assert "Manual control 1" in facts["By kind"]
