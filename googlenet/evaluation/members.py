"""Models that answer together: they know the same classes, in whatever order."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from googlenet.data.classes import ClassName
from googlenet.data.listing import quoted
from googlenet.engines import Engine, open_engine
from googlenet.engines.softmax import softmax
from googlenet.errors import ModelFileError
from googlenet.evaluation.score import BATCH
from googlenet.weights.model_file import SealedModel


class Member:
    """One model, opened, that answers in the order of classes of the first one."""

    def __init__(self, model: SealedModel, engine: Engine, columns: NDArray[np.intp]) -> None:
        self.model, self.engine, self.columns = model, engine, columns
        self.seconds = 0.0  # in the network

    def probabilities(self, images: NDArray[np.float32], crops: int) -> NDArray[np.float32]:
        """(N, classes), the mean over each image's crops, of (N * crops, 3, height, width)."""
        started = perf_counter()
        logits = [self.engine.logits(part) for part in np.array_split(images, ceil(len(images) / BATCH))]
        each = softmax(np.concatenate(logits) / self.model.temperature)[:, self.columns]
        mean: NDArray[np.float32] = each.reshape(-1, crops, each.shape[1]).mean(1)
        self.seconds += perf_counter() - started
        return mean


def open_members(models: Sequence[SealedModel], engine: str) -> list[Member]:
    """The models, opened; raises ``ModelFileError`` where one has other classes than the first."""
    return [Member(model, open_engine(model, engine), class_columns(models[0], model)) for model in models]


def class_columns(first: SealedModel, other: SealedModel) -> NDArray[np.intp]:
    """Where each class of ``first`` stands in ``other``: by id or, where all of these differ, by name.

    Raises ``ModelFileError`` naming the classes that only one of the two has.
    """
    for key in (_ids, _names):
        ours, theirs = key(first.classes), key(other.classes)
        if set(ours) == set(theirs) and len(set(ours)) == len(ours):
            place = {word: i for i, word in enumerate(theirs)}
            return np.array([place[word] for word in ours], np.intp)
    ours, theirs = _ids(first.classes), _ids(other.classes)
    missing, extra = sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours))
    differs = [f"has not {quoted(missing)}"] * bool(missing) + [f"has {quoted(extra)} besides"] * bool(extra)
    raise ModelFileError(
        f"{other.path or 'a model'}: {' and '.join(differs)}, unlike {first.path or 'the first model'}; "
        "only models of the same classes can answer together"
    )


def _ids(classes: Sequence[ClassName]) -> list[str]:
    return [name.id for name in classes]


def _names(classes: Sequence[ClassName]) -> list[str]:
    return [name.name for name in classes]
