"""How far a model's answers may be trusted: measured on validation images, kept in the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from googlenet.data.draws import key
from googlenet.data.index import Dataset, Skipped, Split
from googlenet.engines import open_engine
from googlenet.engines.softmax import softmax
from googlenet.errors import DataError
from googlenet.evaluation.exits import cumulative_macs, find_exits
from googlenet.evaluation.outputs import Outputs, outputs_of
from googlenet.trust.conformal import coverage_range, set_scores
from googlenet.trust.reliability import Reliability, reliability
from googlenet.trust.temperature import fit_temperature
from googlenet.trust.unknown import cross_distances, distances, fit_known
from googlenet.weights.calibration import (
    CLASS_LABELS,
    CLASS_MEANS,
    SET_SCORES,
    UNKNOWN_SCORES,
    WHITENING,
    Calibration,
    CalibrationFacts,
)
from googlenet.weights.model_file import SealedModel

_FEW = 100  # images
_MOST_LEARNED = 2000  # training images, which tell where the classes lie
_MOST = 10_000  # images; more change nothing that anybody could see


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A model with its calibration, and what became of the images."""

    model: SealedModel
    calibration: Calibration
    skipped: tuple[Skipped, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What so many images can and cannot promise, one line each."""
        images = self.calibration.facts.images
        if images >= _FEW:
            return ()
        low, high = coverage_range(images, 0.9) if images > 9 else (0.0, 1.0)
        return (
            f"{images} images are few: a coverage of 90 % asked for is really between {low:.0%} and {high:.0%} "
            f"(95 of 100 cases); {_FEW} or more are better",
        )


def calibrate(
    model: SealedModel,
    dataset: Dataset,
    *,
    split: str = "val",
    engine: str = "onnxruntime",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Calibrated:
    """Fit the temperature, the scores of sets, what is unknown and, where there are heads for it, early exit.

    All that on the images of ``split``, ``train``, ``val``, ``test`` or ``all``, which training must not have learned
    from; at most 10,000 are taken, drawn by content, and with ``val`` and ``test`` 2,000 of the training images, to
    know the unknown by. Raises ``DataError`` without images.
    """
    indices = at_most(dataset, dataset.select(None if split == "all" else Split[split.upper()]), _MOST)
    if not len(indices):
        raise DataError(f"{dataset.root}: has no images for {split} to calibrate on; take another --split, or all")
    known = dataset.select(Split.TRAIN) if split in ("val", "test") else indices[:0]
    known = at_most(dataset, known, _MOST_LEARNED)
    total = len(indices) + len(known)
    opened = open_engine(model, engine)
    heads = model.spec.aux_heads
    outputs = outputs_of(
        opened, model.preprocessing, dataset, indices, aux=heads, progress=lambda done, _: progress(done, total)
    )
    learned = None
    if len(known):
        learned = outputs_of(
            opened, model.preprocessing, dataset, known, progress=lambda done, _: progress(len(indices) + done, total)
        )
    calibration = calibration_from(outputs, dataset.fingerprint(), learned)
    if heads:
        work = cumulative_macs(model.spec, model.preprocessing.crop_size)
        facts = calibration.facts.model_copy(update={"exits": find_exits(outputs, work)})
        calibration = replace(calibration, facts=facts)
    skipped = (*outputs.skipped, *(learned.skipped if learned else ()))
    return Calibrated(replace(model, calibration=calibration), calibration, skipped)


def calibration_from(outputs: Outputs, data: str, learned: Outputs | None = None) -> Calibration:
    """The calibration by these outputs; ``data`` is the fingerprint of the data set that they are of.

    ``learned``: outputs for images that the network was trained on, which tell what is unknown; without them
    each half of ``outputs`` is compared with the other.
    """
    temperature = fit_temperature(outputs.logits, outputs.labels)
    scores = set_scores(outputs.logits / temperature, outputs.labels)
    if learned is None:
        known = fit_known(outputs.features, outputs.labels)
        scores_of_known = cross_distances(outputs.features, outputs.labels)
    else:
        known = fit_known(learned.features, learned.labels)
        scores_of_known, _ = distances(outputs.features, known)
    facts = CalibrationFacts(
        temperature=temperature,
        images=len(outputs.labels),
        data=data,
        error_before=reliability_of(outputs, 1.0).error,
        error_after=reliability_of(outputs, temperature).error,
        known_classes=len(known.labels),
        width=known.means.shape[1],
    )
    tensors = {
        SET_SCORES: scores,
        WHITENING: known.whitening,
        CLASS_MEANS: known.means,
        CLASS_LABELS: known.labels,
        UNKNOWN_SCORES: np.sort(scores_of_known),
    }
    return Calibration(facts, tensors)


def reliability_of(outputs: Outputs, temperature: float) -> Reliability:
    """How reliable the confidences at ``temperature`` are."""
    confidence = softmax(outputs.logits / np.float32(temperature)).max(1)
    return reliability(confidence, outputs.logits.argmax(1) == outputs.labels)


def at_most(dataset: Dataset, indices: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Some ``most`` of the images, drawn by content, in order."""
    if len(indices) <= most:
        return indices
    chosen = sorted(indices.tolist(), key=lambda i: key(0, int(dataset.ids[i])))[:most]
    return np.sort(np.array(chosen, np.int64))
