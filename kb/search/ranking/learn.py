"""What a build learns from the records: the probe, the meaning of each class, the curve."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from kb.records.form import Form
from kb.search.bm25 import bag_of
from kb.search.encoder.encoder import Vectors
from kb.search.ranking.calibration import Calibration, fit_calibration, sample
from kb.search.ranking.classes import ClassPosterior, fit_posterior
from kb.search.ranking.likeness import Question
from kb.search.records.collection import Collection

_SUBJECT = re.compile(r"^(?:The|An?) (?:agent|run|system|model) ")


@dataclass(frozen=True)
class Learned:
    """The class posterior of a collection and how its answers are made probabilities."""

    posterior: ClassPosterior
    calibration: Calibration


def learn(
    collection: Collection,
    first_texts: Sequence[str],
    form: Form,
    embed: Callable[[Sequence[str]], Vectors],
    jaccard: float = 0.0,
    encoder_key: str = "",
) -> Learned:
    """What these records teach; `first_texts` is the first passage of each, its title before it.

    `embed` gives unit rows (n, d) for texts. `jaccard` is the overlap of classes from which on two
    records count as the same class; at 0 one shared class is enough. `encoder_key` names the
    encoder, for which a probe of incidents may be shipped.
    """
    meanings = embed([class_text(name, form) for name in collection.classes])
    posterior = fit_posterior(collection.means, collection.labels, meanings)
    asked = sample(posterior)
    questions = _questions(collection, first_texts, asked)
    curves = fit_calibration(collection, posterior, questions, jaccard)
    return Learned(posterior, replace(curves, encoder_key=encoder_key))


def class_text(name: str, form: Form, taxonomy: str = "classes") -> str:
    """What a class is called and means, as the encoder reads it; teams may define their own.

    Without its subject: "The agent …" is how definitions begin and questions too, and would make
    any short question like those classes.
    """
    words = name.replace("-", " ").replace("_", " ").replace(":", " ")
    definition = _SUBJECT.sub("", form.definition(taxonomy, name))
    return f"{words}: {definition}" if definition else words


def _questions(
    collection: Collection, first_texts: Sequence[str], asked: Iterable[int]
) -> Iterator[tuple[int, Question]]:
    """Records as they might have been asked about: with their title and first passage."""
    for place in asked:
        row = int(collection.starts[place])
        if row < collection.starts[place + 1]:
            vector = collection.vectors[row : row + 1]
            yield place, Question(vector, bag_of([first_texts[place]]))
