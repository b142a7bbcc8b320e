"""A model's answers to the images of a data set, a few numbers per image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import evaluation_batches
from googlenet.data.index import Dataset, Skipped
from googlenet.data.preprocess import Preprocessing
from googlenet.engines import Engine
from googlenet.engines.features import flat_features
from googlenet.engines.softmax import softmax
from googlenet.errors import DataError
from googlenet.spec import FEATURES, OUTPUTS
from googlenet.trust.conformal import can_promise, quantile
from googlenet.trust.probabilities import log_softmax
from googlenet.trust.unknown import distances, known_of
from googlenet.weights.calibration import Calibration

BATCH = 32

COVERAGE = 0.95
"""What sets of labels are judged at."""


@dataclass(frozen=True, eq=False)
class Answers:
    """One entry per image that could be read, 32 bytes each however many classes there are."""

    indices: NDArray[np.int64]  # (N,), in the data set
    labels: NDArray[np.int32]  # (N,), what the image is
    predicted: NDArray[np.int32]  # (N,), the likeliest class
    confidence: NDArray[np.float32]  # (N,), its probability, 0–1
    true_probability: NDArray[np.float32]  # (N,), of the right class, 0–1
    rank: NDArray[np.int32]  # (N,), how many classes were likelier than the right one
    raw_confidence: NDArray[np.float32]  # (N,), as ``confidence`` would be without the model's temperature
    distance: NDArray[np.float32]  # (N,), from what the model knows (``trust.unknown``); NaN where it cannot tell
    set_size: NDArray[np.int32]  # (N,), labels in its set at the coverage ``COVERAGE``; 0 without a calibration
    skipped: tuple[Skipped, ...] = ()


def score(
    engine: Engine,
    preprocessing: Preprocessing,
    dataset: Dataset,
    indices: NDArray[np.int64],
    *,
    calibration: Calibration | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Answers:
    """Ask ``engine`` about the images ``indices``; those that cannot be read are left out and named in ``skipped``.

    ``calibration`` is the model's. Raises ``DataError`` when there is no image to ask about.
    """
    if not len(indices):
        raise DataError(f"{dataset.root}: has no images in this split; take another --split, or all")
    skipped: list[Skipped] = []
    parts: list[Answers] = []
    paths = (dataset.path(int(i)) for i in indices)
    for batch in evaluation_batches(paths, preprocessing, batch_size=BATCH, skipped=skipped):
        chosen = indices[batch.indices]
        parts.append(_part(engine, batch.images, chosen, dataset.labels[chosen], calibration))
        progress(int(batch.indices[-1]) + 1, len(indices))
    if not parts:
        raise DataError(f"{dataset.root}: none of the {len(indices)} images can be read; the first: {skipped[0].path}")
    return joined(parts, skipped)


def joined(parts: Sequence[Answers], skipped: Sequence[Skipped]) -> Answers:
    """The answers to several batches as one."""
    names = [part.name for part in fields(Answers) if part.name != "skipped"]
    return Answers(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}, skipped=tuple(skipped)
    )


def _part(
    engine: Engine,
    images: NDArray[np.float32],
    indices: NDArray[np.int64],
    labels: NDArray[np.int32],
    calibration: Calibration | None,
) -> Answers:
    if calibration is None:
        return answers_of(engine.logits(images), indices, labels)
    facts, distance = calibration.facts, None
    if facts.known_classes:
        found = engine.activations(images, (OUTPUTS["main"], FEATURES))
        logits = found[OUTPUTS["main"]]
        distance, _ = distances(flat_features(found[FEATURES]), known_of(calibration))
    else:
        logits = engine.logits(images)
    answers = answers_of(logits, indices, labels, facts.temperature)
    if can_promise(facts.images, COVERAGE):
        limit = quantile(calibration.set_scores, COVERAGE, "coverage")
        inside = (-log_softmax(logits / facts.temperature) <= limit).sum(1)
        answers = replace(answers, set_size=np.maximum(1, inside).astype(np.int32))
    return answers if distance is None else replace(answers, distance=distance)


def answers_of(
    logits: NDArray[np.float32], indices: NDArray[np.int64], labels: NDArray[np.int32], temperature: float = 1.0
) -> Answers:
    """What (N, classes) logits say of the images ``indices``, which show ``labels``."""
    probabilities = softmax(logits / temperature)
    rows = np.arange(len(labels))
    own = logits[rows, labels][:, None]
    # Of equal logits the first class is likelier, as argmax has it.
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    rank = ((logits > own) | ((logits == own) & earlier)).sum(1)
    predicted = logits.argmax(1)
    return Answers(
        indices=indices,
        labels=labels,
        predicted=predicted.astype(np.int32),
        confidence=probabilities[rows, predicted],
        true_probability=probabilities[rows, labels],
        rank=rank.astype(np.int32),
        raw_confidence=softmax(logits).max(1),
        distance=np.full(len(labels), np.nan, np.float32),
        set_size=np.zeros(len(labels), np.int32),
    )
