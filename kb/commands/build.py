"""`kb build`: the search index of the files as they stand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.search.is_installed import PREPARING, prepare_search
from kb.streams import bar_stream, echo, echo_json, is_terminal, warn
from kb.terminal import visible

if TYPE_CHECKING:
    from kb.library import Library
    from kb.search.encoder.encoder import Progress


@click.command("build")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.build/1).")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Embed on the workers of Dask, tcp://… [extra: scale]",
)
def command(as_json: bool, scheduler: str | None) -> None:
    """Bring the search index up to date; check every byte of what is there, and repair it."""
    prepare_search()
    from kb.library import unread_library
    from kb.search.encoder.find_model_files import NoEncoderError
    from kb.search.index.build_report import built_facts, without_encoder
    from kb.search.index.index import build_index

    start = time.monotonic()
    library = unread_library(Path.cwd())
    try:
        with progress_bar() as progress:
            if scheduler is not None:
                _embed_elsewhere(library, scheduler, progress)
            index = build_index(library, progress, _say_waiting)
        facts = built_facts(index, time.monotonic() - start)
    except NoEncoderError as fault:
        facts = without_encoder(library, fault)
    if as_json:
        echo_json(facts.json())
    else:
        echo(facts.words())


def _embed_elsewhere(library: Library, scheduler: str, progress: Progress | None) -> None:
    from kb.parallel.dask_workers import dask_workers
    from kb.search.index.embed_elsewhere import embed_elsewhere

    with dask_workers(scheduler) as workers:
        embed_elsewhere(library, workers, progress)


def _say_waiting() -> None:
    warn("another kb builds this index: waiting for it")


@contextmanager
def progress_bar(*, first_is_said: bool = False) -> Iterator[Progress | None]:
    """A callback that draws a bar with an estimate on a terminal; None in a pipe.

    With `first_is_said` a pipe is told in a line of what is done once on a machine, and takes long.
    """
    if not is_terminal("stderr"):
        yield _say_the_first if first_is_said else None
        return
    bar = _Bar()
    try:
        yield bar
    finally:
        bar.close()


def _say_the_first(label: str, done: int, total: int) -> None:
    if label == PREPARING and not done:
        warn(f"{label}: a minute now, a second from then on")


class _Bar:
    """A progress bar for each kind of work, drawn from its first report on."""

    def __init__(self) -> None:
        self._label = ""
        self._bar: Any = None
        self._done = 0

    def __call__(self, label: str, done: int, total: int) -> None:
        if label != self._label:
            self.close()
            self._label, self._done = label, 0
            self._bar = click.progressbar(
                length=total, label=visible(label), file=bar_stream(), show_pos=True
            )
            self._bar.render_progress()
        self._bar.update(done - self._done)
        self._done = done

    def close(self) -> None:
        if self._bar is not None:
            self._bar.render_finish()
