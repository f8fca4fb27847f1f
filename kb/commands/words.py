"""`kb words`: the closed vocabularies of the form, each word with its meaning."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from kb.errors import KbError
from kb.library import find_root
from kb.records.form import Form, build_form
from kb.records.front_matter_keys import KEYS
from kb.streams import echo
from kb.terminal import visible
from kb.trusted_settings import open_config

_WIDTH = 78
_NAMES = 26  # columns, with the blanks behind the longest that stands beside its text


@click.command("words")
@click.argument("key", required=False)
def command(key: str | None) -> None:
    """Print the words that KEY may take, with what each means; without KEY all lists by name.

    KEY is a key of the front matter or of an action, or an evidence line with a closed list.
    A word, or a part of a key or of a word, is looked for too.
    """
    form = _form()
    for line in _overview(form) if key is None else _lines_for(form, key.strip()):
        echo(visible(line))


def _form() -> Form:
    """The form of the library one stands in, else the built-in one."""
    try:
        return build_form(open_config(find_root(Path.cwd())))
    except KbError:
        return build_form()


def _answers(form: Form) -> dict[str, tuple[str, ...]]:
    """Evidence key to the words its value may begin with."""
    return {f.key: f.words for section in form.sections for f in section.fields if f.words}


def _overview(form: Form) -> Iterator[str]:
    for name, words in form.taxonomies.items():
        yield from _wrapped(name, ", ".join(word.name for word in words))
    for name, answers in _answers(form).items():
        yield from _wrapped(name, ", ".join(answers))


def _lines_for(form: Form, wanted: str) -> Iterator[str]:
    """The lists a name means, else the words that hold it. Raises `KbError` for neither."""
    lower = wanted.lower().replace(" ", "_").replace("-", "_")
    lists = [name for name in (*form.taxonomies, *_answers(form)) if lower in name.lower()]
    exact = [name for name in lists if name.lower() == lower]
    if lists:
        for name in exact or lists:
            yield from _list(form, name)
        return
    fragment = wanted.lower().replace(" ", "-").replace("_", "-")
    rows = [
        (name, word)
        for name, words in form.taxonomies.items()
        for word in words
        if fragment in word.name.lower()
    ]
    if not rows:
        names = ", ".join((*form.taxonomies, *_answers(form)))
        raise KbError(f"no list and no word has '{wanted}' in its name", todo=f"Lists: {names}.")
    for name, word in rows:
        yield from _wrapped(f"{name}: {word.name}", word.definition)


def _list(form: Form, name: str) -> Iterator[str]:
    row = next((row for row in KEYS if row.name == name), None)
    yield f"{name}: {row.description}" if row else name
    if name in form.taxonomies:
        for word in form.taxonomies[name]:
            yield from _wrapped(f"  {word.name}", word.definition)
    else:
        yield f"  {', '.join(_answers(form)[name])}"


def _wrapped(name: str, text: str) -> Iterator[str]:
    """A name, and what is said of it beside it, or below where the name is long."""
    lines = textwrap.wrap(text, _WIDTH - _NAMES, break_on_hyphens=False) or [""]
    beside = len(name) < _NAMES
    yield f"{name:<{_NAMES}}{lines[0]}".rstrip() if beside else name
    for line in lines[1:] if beside else lines:
        yield " " * _NAMES + line
