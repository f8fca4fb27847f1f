"""The policy path of a page: the allowed path over the actual one, and where they part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from kb.records.markdown import SectionText
from kb.records.postmortem import Postmortem
from kb.site.pages.sections.blocks import Fields, Part, definitions, label, parts
from kb.site.safe_html import LinkTarget, to_inline_html


@dataclass(frozen=True, slots=True)
class Lane:
    """One path, step by step; the step at which it left the allowed one is marked, -1 for none."""

    name: str
    css: str
    steps: tuple[Markup, ...]
    diverges_at: int


@dataclass(frozen=True, slots=True)
class Lanes:
    """The allowed path over the actual one."""

    shape: ClassVar[str] = "lanes"
    lanes: tuple[Lane, ...]


def policy_path_parts(section: SectionText, _: Postmortem, link: LinkTarget) -> Iterator[Part]:
    """The allowed and the actual path as two lanes, and what else the section says."""
    return parts(section, link, _lanes)


def _lanes(fields: Fields, link: LinkTarget) -> Iterator[Part]:
    paths = {f.key: _steps(f.value) for f in fields if f.key in {"ALLOWED_POLICY", "ACTUAL_PATH"}}
    if not any(len(steps) > 1 for steps in paths.values()):
        yield from definitions(fields, link)
        return
    allowed = paths.get("ALLOWED_POLICY", ())
    yield Lanes(
        tuple(
            Lane(
                label(key),
                key.partition("_")[0].lower(),
                tuple(to_inline_html(step, link) for step in steps),
                -1 if key == "ALLOWED_POLICY" else _divergence(steps, allowed),
            )
            for key, steps in paths.items()
        )
    )
    yield from definitions([field for field in fields if field.key not in paths], link)


def _steps(text: str) -> tuple[str, ...]:
    return tuple(step.strip() for step in re.split(r"\s*(?:->|→)\s*", text) if step.strip())


def _divergence(steps: tuple[str, ...], allowed: tuple[str, ...]) -> int:
    """The place of the first step that is not the allowed one, -1 where none is."""
    if not allowed or steps == allowed:
        return -1
    same = [a == b for a, b in zip(steps, allowed, strict=False)]
    return same.index(False) if False in same else min(len(steps), len(allowed))
