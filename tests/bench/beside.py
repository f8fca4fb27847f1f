"""What do libraries beside one's own cost, and are facts enough to be told of the same class?

    python tests/bench/beside.py [cold] [facts]

cold   `kb similar` in a new process at 500 records: alone, with two neighbours declared and not
       asked, and with both asked (500 records of which all is shared, 500 of facts)
facts  the casebook and two corpora of KB_DATA in three parts, each once the one that is asked:
       what the first answer of a neighbour that shares facts is worth, beside the same neighbour
       sharing all, beside its commonest class, and with its classes dealt out at random
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from kb.library import Library, open_library, unread_library
from kb.other_libraries.open_libraries import open_other_libraries
from kb.records.facts_without_text import RecordFacts
from kb.records.postmortem import Postmortem
from kb.search.answer import Match
from kb.search.index.index import build_index, open_index
from kb.search.query import EVERYTHING, query_from_text
from kb.search.several_libraries import OtherLibrary, answer_beside, open_other_library
from kb.trusted_settings import store, wishes
from search import QUERY, ROOT, made_library, median, row

CORPORA = Path(os.environ.get("KB_DATA", "")) / "corpora"
TODAY = date(2030, 1, 1)
_WORDS = 60


def cold() -> None:
    """A question in a new process, with and without two neighbours of 500 records."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CONFIG_HOME"] = f"{name}/config"
        folders = {one: Path(name) / one for one in ("ours", "identity", "payments")}
        for folder in folders.values():
            folder.mkdir()
            made_library(folder, 500, real=True)
        for path in (folders["payments"] / "postmortems").glob(
            "20*.md"
        ):  # public ones are no facts
            path.write_text(path.read_text().replace("\norigin: public\n", "\norigin: own\n", 1))
        ours = folders["ours"]
        build_index(unread_library(ours))
        command = [sys.executable, "-m", "kb", "similar", QUERY]
        alone = median(command, ours)
        (folders["identity"] / "kb.toml").write_text('[library]\nshare = "all"\n')
        rows = (f'[[library.beside]]\nname = "{n}"\npath = "../{n}"\n' for n in list(folders)[1:])
        (ours / "kb.toml").write_text("".join(rows))
        store(ours, wishes(unread_library(ours).config, ours))
        declared = median(command, ours)
        asked = median([*command, "--everywhere"], ours)
        told = subprocess.run(
            [*command, "--everywhere", "--json"], cwd=ours, capture_output=True, check=True
        )
        beside = [(one["shares"], one["records"]) for one in json.loads(told.stdout)["beside"]]
        if beside != [("all", 500), ("facts", 500)]:
            sys.exit(f"the neighbours were not asked: {beside}")
        subprocess.run([sys.executable, "-m", "kb", "beside", "forget"], cwd=ours, check=True)
        row("kb similar, cold, 500 records", str(alone))
        row("the same, two neighbours declared", str(declared))
        row("the same, two neighbours of 500 asked", str(asked))
        row("declared ÷ alone, busy", f"{declared.busy_seconds / alone.busy_seconds:.2f}")
        row("asked ÷ alone, busy", f"{asked.busy_seconds / alone.busy_seconds:.2f}")


@dataclass(frozen=True)
class Story:
    """A record for an experiment: its file's text, a question somebody might ask, its classes."""

    text: str
    question: str
    classes: frozenset[str]


def facts() -> None:
    """The first answer of a neighbour, by what it shares; a hit shares a class."""
    sources: dict[str, Callable[[], list[Story]]] = {
        "casebook": _casebook,
        "lakmus": lambda: _corpus("lakmus-half"),
        "atlas": lambda: _corpus("atlas"),
    }
    for name, read in sources.items():
        if not read():
            continue
        with tempfile.TemporaryDirectory() as vectors:  # embedded once for the three parts
            found = [told for part in range(3) for told in _tried(read(), part, vectors)]
        for way in ("facts", "all", "commonest", "random"):
            answers = [told[way] for told in found]
            given = [answer for answer in answers if answer is not None]
            right = np.mean([hit for hit, _ in given]) if given else float("nan")
            stated = np.mean([chance for _, chance in given]) if given else float("nan")
            share = len(given) / len(answers)
            row(
                f"{name}, {way}",
                f"right {right:.2f}, stated {stated:.2f}, answered {share:.2f} of {len(answers)}",
            )


Judged = tuple[bool, float]
Told = dict[str, Judged | None]


def _tried(stories: Sequence[Story], part: int, vectors: str) -> Iterator[Told]:
    """Every question of one third, put to a library of the second beside one of the third."""
    thirds = [[s for n, s in enumerate(stories) if n % 3 == (part + k) % 3] for k in range(3)]
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = Path(name, "ours"), Path(name, "theirs")
        os.environ["XDG_CONFIG_HOME"] = f"{name}/config"
        for root, share, chosen in ((ours, "", thirds[1]), (theirs, 'share = "all"', thirds[2])):
            _write(root, f"[library]\n{share}\n", chosen)
        place = '[[library.beside]]\nname = "theirs"\npath = "../theirs"\n'
        (ours / "kb.toml").write_text(f'{place}[search]\nvectors = "{vectors}"\n')
        store(ours, wishes(unread_library(ours).config, ours))
        library = unread_library(ours)
        [whole] = open_other_libraries(library)
        classes = {record.id: record.classes for record in open_library(theirs).records}
        known = _facts(classes)
        dealt = list(classes.values())
        random.Random(part).shuffle(dealt)
        ways = {
            "facts": OtherLibrary("theirs", "facts", facts=known),
            "all": whole,
            "random": OtherLibrary(
                "theirs", "facts", facts=_facts(dict(zip(classes, dealt, strict=True)))
            ),
        }
        common = Counter(c for names in classes.values() for c in names).most_common(1)[0][0]
        yield from _answers(library, ways, thirds[0], classes, common)


def _answers(
    library: Library,
    ways: dict[str, OtherLibrary],
    asked: Sequence[Story],
    classes: dict[str, tuple[str, ...]],
    common: str,
) -> Iterator[Told]:
    index = open_index(library)
    opened = {way: open_other_library(one) for way, one in ways.items()}
    for story in asked:
        told: Told = {"commonest": (common in story.classes, 1.0)}
        for way, one in opened.items():
            query = query_from_text(story.question, TODAY)
            answer = answer_beside(index, library, (one,), query, limit=99, filters=EVERYTHING)
            first = next((m for m in answer.matches if m.library == "theirs"), None)
            told[way] = _judged(first, classes, story) if first else None
        yield told


def _judged(match: Match, classes: dict[str, tuple[str, ...]], story: Story) -> Judged:
    return bool(story.classes & set(classes[match.id])), match.probability or 0.0


def _facts(classes: dict[str, tuple[str, ...]]) -> tuple[RecordFacts, ...]:
    return tuple(
        RecordFacts(ref=name, date=date.fromisoformat(name[:10]), classes=words)
        for name, words in classes.items()
    )


def _write(root: Path, settings: str, stories: Sequence[Story]) -> None:
    (root / "postmortems").mkdir(parents=True)
    (root / "kb.toml").write_text(settings)
    for number, story in enumerate(stories):
        day = f"2020-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}"
        text = re.sub(r"(?m)^date: .*$", f"date: {day}", story.text, count=1)
        (root / f"postmortems/{day}-{root.name}-{number:04d}.md").write_text(text)


def _casebook() -> list[Story]:
    library = open_library(ROOT)
    documents = {document.id: document for document in library.documents}
    return [
        Story(
            documents[record.id].text,
            _question(record.title, _summary(record)),
            frozenset(record.classes),
        )
        for record in library.records
    ]


def _summary(record: Postmortem) -> str:
    section = record.section("summary")
    return section.text if section else ""


def _corpus(name: str) -> list[Story]:
    path = CORPORA / f"{name}.jsonl"
    if not path.is_file():
        return []
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [_story(line) for line in lines if line["labels"]]


def _story(line: dict[str, object]) -> Story:
    labels = [re.sub(r"[^a-z0-9]+", "-", str(word).lower()).strip("-") for word in line["labels"]]  # type: ignore[attr-defined]
    head = {"title": line["title"], "date": "2020-01-01", "status": "published", "classes": labels}
    front = "\n".join(f"{key}: {json.dumps(value)}" for key, value in head.items())
    front = front.replace('date: "2020-01-01"', "date: 2020-01-01")
    text = f"---\n{front}\n---\n## Summary\n\n{line['text']}\n"
    return Story(text, _question(str(line["title"]), str(line["text"])), frozenset(labels))


def _question(title: str, text: str) -> str:
    return " ".join([f"{title}.", *text.split()[:_WORDS]])


PARTS = {"cold": cold, "facts": facts}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
