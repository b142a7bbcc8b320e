"""«I don't know this»: how far an image's features lie from those of images that the model has learned from.

A softmax shares out 100 % over the known classes whatever it is shown; the features of something else lie apart. The
score is the mean distance to the three nearest of up to 1,000 known images (Sun, Ming, Zhu, Li: *Out-of-Distribution
Detection with Deep Nearest Neighbors*, ICML 2022), here between square roots of the features, scaled to length 1: the
Hellinger distance. It found held-out classes better than class-conditional Mahalanobis distances did
(docs/benchmarks.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import SettingsError
from googlenet.weights.calibration import Calibration

FALSE_REJECT = 0.05
"""Of photographs of known classes, the part that is called unknown unless another is asked for."""

LEAST_IMAGES = 19
"""Validation images of which a part of 5 % can be told."""

NEIGHBOURS = 3
_BLOCK = 1024  # images compared at once


@dataclass(frozen=True)
class Verdict:
    """Whether an image is like those that the model knows."""

    score: float  # distance to the nearest known images, 0–1.41
    threshold: float  # above it an image is refused
    reason: str | None  # why it was refused; None where it was not

    @property
    def rejected(self) -> bool:
        """Whether the model should not be asked about this image."""
        return self.reason is not None


class Detector:
    """Tells images that are like none that the model has learned from."""

    def __init__(self, calibration: Calibration, false_reject: float) -> None:
        """Refuse about ``false_reject``, 0–1, of images of the known classes.

        Raises ``SettingsError`` where so few are fewer than the validation images can tell.
        """
        self.threshold = reject_threshold(calibration.unknown_scores, false_reject)
        self._calibration = calibration

    def verdicts(self, features: NDArray[np.float32], classes: tuple[str, ...]) -> list[Verdict]:
        """One verdict for each row of (N, width) features as the network gives them; ``classes`` are their names."""
        scores, nearest = nearest_known(describe(features), self._calibration.references)
        labels = self._calibration.reference_labels[nearest].astype(int)
        return [self._verdict(float(s), classes[label]) for s, label in zip(scores, labels, strict=True)]

    def _verdict(self, score: float, label: str) -> Verdict:
        if score <= self.threshold:
            return Verdict(score, self.threshold, None)
        known = self._calibration.unknown_scores
        share = float((known < score).mean())
        reason = f"farther from everything learned than {share:.1%} of known photographs; the nearest is of {label}"
        return Verdict(score, self.threshold, reason)


def describe(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, width) features made comparable: square roots, each row of length 1."""
    roots = np.sqrt(np.maximum(features, 0))
    described: NDArray[np.float32] = roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-12)
    return described


def nearest_known(
    described: NDArray[np.float32], references: NDArray[np.float32], *, themselves: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """The score of each of (N, width) described images, (N,), and which of the (M, width) references is nearest, (N,).

    ``themselves``: the references are the first M of the images, and none counts as its own neighbour.
    """
    scores, nearest = [], []
    for start in range(0, len(described), _BLOCK):
        part = described[start : start + _BLOCK]
        distances = np.sqrt(np.maximum(0, 2 - 2 * part @ references.T))  # of vectors of length 1
        if themselves:
            own = np.arange(start, min(start + len(part), len(references)))
            distances[own - start, own] = np.inf
        count = max(1, min(NEIGHBOURS, len(references) - themselves))
        scores.append(np.partition(distances, count - 1, axis=1)[:, :count].mean(1))
        nearest.append(distances.argmin(1))
    return np.concatenate(scores), np.concatenate(nearest)


def reject_threshold(scores: NDArray[np.float32], false_reject: float) -> float:
    """The score that an image of a known class exceeds with at most this probability; ``scores`` ascend.

    The guarantee is that of sets of labels (``conformal``): it holds for images drawn like the N validation images.
    """
    if not 0 < false_reject < 1:
        raise SettingsError(f"--false-reject is {false_reject:g}; give a number between 0 and 1, such as 0.05")
    rank = ceil(round((len(scores) + 1) * (1 - false_reject), 9))
    if rank > len(scores):
        raise SettingsError(
            f"--false-reject is {false_reject:g}, but the model was calibrated on {len(scores)} images, which can tell "
            f"no less than {1 / (len(scores) + 1):.2g}; ask for more, or calibrate on more images"
        )
    return float(scores[rank - 1])
