"""The form a team uses: the built-in registries with the changes of `kb.toml` applied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from kb.config import Config, FormConfig
from kb.errors import KbError
from kb.records.sections import PROFILES, SECTIONS, Section
from kb.records.taxonomy import EXTENSIBLE, TAXONOMIES, Word


@dataclass(frozen=True)
class Form:
    """Sections, profiles and vocabularies in force; frozen, shared by everything that reads."""

    sections: tuple[Section, ...]
    profiles: Mapping[str, tuple[str, ...]]
    taxonomies: Mapping[str, tuple[Word, ...]]

    @cached_property
    def _by_heading(self) -> dict[str, Section]:
        names: dict[str, Section] = {}
        for section in self.sections:
            for heading in (section.heading, section.key, *section.aliases):
                names.setdefault(normal_heading(heading), section)
        return names

    @cached_property
    def _by_key(self) -> dict[str, Section]:
        return {section.key: section for section in self.sections}

    def section(self, key: str) -> Section:
        """The section with that key. Raises `KeyError` for a key no row has."""
        return self._by_key[key]

    def section_for_heading(self, heading: str) -> Section | None:
        """The section a heading names, whatever its case, numbering and punctuation."""
        return self._by_heading.get(normal_heading(heading))

    @cached_property
    def grown_order(self) -> tuple[str, ...]:
        """All sections in the order of a record that began as one page.

        Those of the one page keep theirs; each other one stands before the first of them that
        comes later in the form.
        """
        places = {section.key: place for place, section in enumerate(self.sections)}
        order = [key for key in self.profiles["one-page"] if key in places]
        for key, place in places.items():
            if key not in order:
                later = (n for n, other in enumerate(order) if places[other] > place)
                order.insert(next(later, len(order)), key)
        return tuple(order)

    def sections_for(self, profile: str, classes: Iterable[str]) -> tuple[str, ...]:
        """The sections a profile asks for, with those that a named failure class asks for."""
        wanted = set(classes)
        keys = set(self.profiles[profile])
        also = {s.key for s in self.sections if not wanted.isdisjoint(s.asked_by_classes)} - keys
        every = (*self.profiles[profile], *also)
        order = [section.key for section in self.sections]
        return tuple(sorted(every, key=order.index)) if also else every

    def words(self, taxonomy: str) -> frozenset[str]:
        """The allowed words of one vocabulary."""
        return frozenset(word.name for word in self.taxonomies[taxonomy])

    def definition(self, taxonomy: str, name: str) -> str:
        """What a word means, empty for an unknown word."""
        rows = self.taxonomies[taxonomy]
        return next((word.definition for word in rows if word.name == name), "")


@lru_cache(maxsize=512)  # a library has the same twenty headings in each record
def normal_heading(heading: str) -> str:
    """A heading reduced to its words: lower case, without numbering, marks and punctuation."""
    text = re.sub(r"[^\w\s&-]", " ", heading.lower().replace("-", " "))
    text = re.sub(r"^\s*(?:\d+\s+)+", "", text)
    return " ".join(text.split())


def build_form(config: Config | None = None) -> Form:
    """The form in force under a configuration. Raises `KbError` for a key no section has."""
    config = config or Config()
    _refuse_unknown_keys(config.form)
    return Form(
        sections=tuple(_changed(section, config.form) for section in SECTIONS),
        profiles={**PROFILES, **config.form.profiles},
        taxonomies=_extended(config),
    )


def _changed(section: Section, changes: FormConfig) -> Section:
    heading = changes.headings.get(section.key, section.heading)
    aliases = (*section.aliases, *changes.aliases.get(section.key, ()))
    if heading != section.heading:
        aliases = (*aliases, section.heading)
    section = replace(section, heading=heading, aliases=aliases)
    prompt = changes.prompts.get(section.key)
    # An example of ours, and our short question, would stand in another language below theirs.
    return replace(section, prompt=prompt, example="", question="") if prompt else section


def _extended(config: Config) -> dict[str, tuple[Word, ...]]:
    taxonomies = dict(TAXONOMIES)
    for name in EXTENSIBLE:
        added: dict[str, str] = getattr(config.taxonomy, name)
        taxonomies[name] += tuple(Word(word, text, "kb.toml") for word, text in added.items())
    return taxonomies


def _refuse_unknown_keys(changes: FormConfig) -> None:
    known = {section.key for section in SECTIONS}
    named = {
        *changes.headings,
        *changes.aliases,
        *changes.prompts,
        *(key for keys in changes.profiles.values() for key in keys),
    }
    if unknown := sorted(named - known):
        raise KbError(
            f"no section has the key {', '.join(unknown)}",
            where="kb.toml [form]",
            todo=f"Use one of: {', '.join(sorted(known))}.",
        )
    if unknown := sorted(set(changes.profiles) - set(PROFILES)):
        raise KbError(
            f"there is no profile {', '.join(unknown)}",
            where="kb.toml [form.profiles]",
            todo=f"Use one of: {', '.join(PROFILES)}.",
        )
