"""The form a team uses: the built-in registries with the changes of `kb.toml` applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePath

from kb.config import Config, FormConfig, ScopeConfig
from kb.errors import KbError
from kb.records.form_sections import PROFILES, SECTIONS, Field, Section
from kb.records.heading_topics import section_by_stem
from kb.records.headings import heading_names, normal_heading
from kb.records.taxonomy import EXTENSIBLE, TAXONOMIES, Word

_MAX_HEADINGS = 4096


@dataclass(frozen=True)
class Form:
    """Sections, profiles and vocabularies in force; frozen, shared by everything that reads."""

    sections: tuple[Section, ...]
    profiles: Mapping[str, tuple[str, ...]]
    taxonomies: Mapping[str, tuple[Word, ...]]
    adopted: tuple[str, ...] = ()
    scopes: tuple[ScopeConfig, ...] = ()

    def adopts(self, path: PurePath) -> bool:
        """Whether `kb.toml` says of a file that it is held to no form."""
        return bool(self.adopted) and fits(path, self.adopted)

    def scope(self, path: PurePath) -> ScopeConfig | None:
        """The first scope of `kb.toml` that a file is in, None for most."""
        return next((scope for scope in self.scopes if fits(path, scope.files)), None)

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

    @cached_property
    def _by_question(self) -> dict[str, tuple[Section, Field]]:
        names: dict[str, tuple[Section, Field]] = {}
        for section in self.sections:
            for row in section.fields:
                for heading in row.headings:
                    names.setdefault(normal_heading(heading), (section, row))
        return names

    @cached_property
    def _looked_up(self) -> dict[str, tuple[Section | None, Field | None]]:
        return {}  # a library has the same twenty headings in each record

    def named_by(self, heading: str) -> tuple[Section | None, Field | None]:
        """The section a heading names, and the field of it where it asks for one alone."""
        found = self._looked_up.get(heading)
        if found is None:
            found = self._look_up(heading)
            if len(self._looked_up) < _MAX_HEADINGS:
                self._looked_up[heading] = found
        return found

    def is_named(self, heading: str) -> bool:
        """Whether a heading is the name of a section and says nothing besides."""
        return normal_heading(heading) in self._by_heading

    @cached_property
    def _by_stem(self) -> dict[str, Section | None]:
        return {}

    def loosely_named(self, heading: str) -> Section | None:
        """The section whose words a heading holds that is none of the names, as `Detection gap`."""
        if heading not in self._by_stem:
            if len(self._by_stem) >= _MAX_HEADINGS:
                self._by_stem.clear()
            self._by_stem[heading] = self._by_key.get(section_by_stem(heading))
        return self._by_stem[heading]

    def _look_up(self, heading: str) -> tuple[Section | None, Field | None]:
        names = tuple(heading_names(heading))
        for name in names:
            if name in self._by_heading:
                return self._by_heading[name], None
        for name in names:
            if name in self._by_question:
                return self._by_question[name]
        return None, None

    def section_for_heading(self, heading: str) -> Section | None:
        """The section a heading names, whatever its case, numbering and punctuation."""
        return self.named_by(heading)[0]

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


def fits(path: PurePath, patterns: Iterable[str]) -> bool:
    """Whether a path from the library's root on is one of these; `*` stands for anything."""
    name = path.as_posix()
    whole = ("*/{}" if path.is_absolute() else "{}").format
    return any(fnmatchcase(name, whole(pattern)) for pattern in patterns)


def build_form(config: Config | None = None) -> Form:
    """The form in force under a configuration. Raises `KbError` for a key no section has."""
    config = config or Config()
    _refuse_unknown_keys(config.form)
    _refuse_conflicts(config.form)
    return Form(
        sections=tuple(_changed(section, config.form) for section in SECTIONS),
        profiles={**PROFILES, **config.form.profiles},
        taxonomies=_extended(config),
        adopted=config.library.adopted,
        scopes=config.form.scope,
    )


def _changed(section: Section, changes: FormConfig) -> Section:
    heading = changes.headings.get(section.key, section.heading)
    others = _names_given(changes, but=section.key)
    aliases = section.aliases
    if others:
        aliases = tuple(name for name in aliases if normal_heading(name) not in others)
    aliases = (*aliases, *changes.aliases.get(section.key, ()))
    if heading != section.heading:
        aliases = (*aliases, section.heading)
    section = replace(section, heading=heading, aliases=aliases)
    prompt = changes.prompts.get(section.key)
    # An example of ours, and our short question, would stand in another language below theirs.
    return replace(section, prompt=prompt, example="", question="") if prompt else section


def _names_given(changes: FormConfig, *, but: str) -> frozenset[str]:
    """The headings that `kb.toml` gives to other sections: they are no alias of this one."""
    if not (changes.aliases or changes.headings):
        return frozenset()
    given = [name for key, names in changes.aliases.items() if key != but for name in names]
    given += [name for key, name in changes.headings.items() if key != but]
    return frozenset(map(normal_heading, given))


def _refuse_conflicts(changes: FormConfig) -> None:
    """Refuses a heading that two sections would answer to."""
    if not (changes.aliases or changes.headings):
        return
    owners = {normal_heading(changes.headings.get(s.key, s.heading)): s.key for s in SECTIONS}
    named = [(key, name) for key, names in changes.aliases.items() for name in names]
    for key, name in [*changes.headings.items(), *named]:
        owner = owners.setdefault(normal_heading(name), key)
        if owner != key:
            raise KbError(
                f"'{name}' is given to the section {key} and is a heading of {owner}",
                where="kb.toml [form]",
                todo="Give the heading to one of the two.",
            )


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
