"""What a build learns from the records: the probe, the meaning of each class, the curve."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kb.records.form import Form
from kb.search.bm25 import Bag, bag_of
from kb.search.encoder.encoder import Vectors
from kb.search.indexed_records.collection import Collection, draw_of
from kb.search.ranking import class_posterior, joint_ridge, probability_calibration, rank
from kb.search.ranking.class_posterior import ClassPosterior, fit_posterior
from kb.search.ranking.cosine_likeness import Question
from kb.search.ranking.joint_ridge import EarlierRidge, joint_ridge_of
from kb.search.ranking.probability_calibration import (
    Calibration,
    fit_calibration,
    known_before_curves,
    left_out_one_by_one,
    sample,
)

_SUBJECT = re.compile(r"^(?:The|An?) (?:agent|run|system|model) ")


@dataclass(frozen=True)
class FittedModel:
    """The class posterior of a collection and how its answers are made probabilities."""

    posterior: ClassPosterior
    calibration: Calibration


@dataclass(frozen=True)
class TrainingInputs:
    """What records teach beside their vectors and labels, in their order.

    `first_texts` are what somebody might have asked about each: its title and first passage. `bag`
    gives the words of a text alone: the name of its class beside each would teach nothing else.
    `earlier` is what a build before learnt of those that are as they were, `curves` are those it
    fitted, where they still hold.
    """

    first_texts: Sequence[str]
    bag: Callable[[int], Bag]
    earlier: EarlierRidge | None = None
    curves: Calibration | None = None

    def only(self, keep: NDArray[np.int64]) -> TrainingInputs:
        """That of some of the records, in the order of `keep`."""
        places = keep.tolist()
        return TrainingInputs(
            [self.first_texts[p] for p in places], lambda place: self.bag(places[place])
        )


def learning_key() -> str:
    """Names the constants that a build learns by: what was learnt by others is learnt again."""
    constants = [
        (module.__name__, name, value)
        for module in (probability_calibration, class_posterior, joint_ridge, rank)
        for name, value in sorted(vars(module).items())
        if name.isupper() and isinstance(value, int | float | tuple)
    ]
    named = repr((constants, rank.Weights(), class_posterior.PosteriorWeights()))
    return hashlib.blake2b(named.encode(), digest_size=16).hexdigest()


def learn(
    collection: Collection,
    taught: TrainingInputs,
    form: Form,
    embed: Callable[[Sequence[str]], Vectors],
    jaccard: float = 0.0,
    encoder_key: str = "",
) -> FittedModel:
    """What these records teach.

    `embed` gives unit rows (n, d) for texts. `jaccard` is the overlap of classes from which on two
    records count as the same class; at 0 one shared class is enough. `encoder_key` names the
    encoder, for which a probe of incidents may be shipped.
    """
    posterior = _posterior(collection, taught, form, embed)
    curves = taught.curves
    if curves is None:
        questions = _questions(collection, taught, sample(posterior, _draw(collection)))
        curves = fit_calibration(collection, posterior, questions, jaccard)
    posterior = replace(posterior, skill=curves.skill)
    return FittedModel(posterior, replace(curves, encoder_key=encoder_key))


def learn_to_rank(
    collection: Collection,
    taught: TrainingInputs,
    form: Form,
    embed: Callable[[Sequence[str]], Vectors],
) -> FittedModel:
    """What is learnt but for the curves: those that ship stand in for them."""
    posterior = _posterior(collection, taught, form, embed)
    questions = _questions(collection, taught, sample(posterior, _draw(collection)))
    known = known_before_curves(posterior, left_out_one_by_one(collection, posterior, questions))
    return FittedModel(replace(posterior, skill=known.skill), known)


def _posterior(
    collection: Collection,
    taught: TrainingInputs,
    form: Form,
    embed: Callable[[Sequence[str]], Vectors],
) -> ClassPosterior:
    meanings = embed([class_text(name, form) for name in collection.classes])
    posterior = fit_posterior(collection.means, collection.labels, meanings)
    joint = joint_ridge_of(
        collection.means, collection.labels, taught.bag, _draw(collection), taught.earlier
    )
    return replace(posterior, joint=joint)


def _draw(collection: Collection) -> Callable[[int], int]:
    entries = collection.entries
    return lambda place: draw_of(entries[place].id)


def class_text(name: str, form: Form, taxonomy: str = "classes") -> str:
    """What a class is called and means, as the encoder reads it; teams may define their own.

    Without its subject: "The agent …" is how definitions begin and questions too, and would make
    any short question like those classes.
    """
    words = name.replace("-", " ").replace("_", " ").replace(":", " ")
    definition = _SUBJECT.sub("", form.definition(taxonomy, name))
    return f"{words}: {definition}" if definition else words


def _questions(
    collection: Collection, taught: TrainingInputs, asked: Iterable[int]
) -> Iterator[tuple[int, Question]]:
    """Records as they might have been asked about: with their title and first passage."""
    for place in asked:
        row = int(collection.starts[place])
        if row < collection.starts[place + 1]:
            vector = collection.vectors[row : row + 1]
            yield place, Question(vector, bag_of([taught.first_texts[place]]))
