"""«I don't know this»: how far an image's features lie from those of the classes that the model has learned.

A softmax shares out 100 % over the known classes whatever it is shown; the features of something else lie apart. The
score is the class-conditional Mahalanobis distance (Lee, Lee, Lee, Shin: *A Simple Unified Framework for Detecting
Out-of-Distribution Samples and Adversarial Attacks*, NeurIPS 2018): features are whitened by the covariance that they
have within the classes, and the distance to the nearest class mean counts. Of what was tried it found held-out classes
best (docs/benchmarks.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import SettingsError
from googlenet.weights.calibration import CLASS_LABELS, CLASS_MEANS, WHITENING, Calibration

FALSE_REJECT = 0.05
"""Of photographs of known classes, the part that is called unknown unless another is asked for."""

LEAST_IMAGES = 19
"""Validation images of which a part of 5 % can be told."""

_SHRINKAGE = 0.1  # part of the covariance that is taken to be the same in all directions: images are few


@dataclass(frozen=True)
class Verdict:
    """Whether an image is like those that the model knows."""

    score: float  # distance to the nearest known class
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
        self._scores = calibration.unknown_scores
        self._known = known_of(calibration)

    def verdicts(self, features: NDArray[np.float32], classes: tuple[str, ...]) -> list[Verdict]:
        """One verdict for each row of (N, width) features as the network gives them; ``classes`` are their names."""
        scores, nearest = distances(features, self._known)
        labels = self._known.labels[nearest].astype(int)
        return [self._verdict(float(s), classes[label]) for s, label in zip(scores, labels, strict=True)]

    def _verdict(self, score: float, label: str) -> Verdict:
        if score <= self.threshold:
            return Verdict(score, self.threshold, None)
        share = float((self._scores < score).mean())
        reason = f"farther from everything learned than {share:.1%} of known photographs; the nearest class is {label}"
        return Verdict(score, self.threshold, reason)


@dataclass(frozen=True, eq=False)
class Known:
    """Where the classes lie among the features."""

    whitening: NDArray[np.float32]  # (width, width), which features are multiplied by from the right
    means: NDArray[np.float32]  # (K, width), of the classes, whitened
    labels: NDArray[np.float32]  # (K,), which classes these are, whole numbers


def fit_known(features: NDArray[np.float32], labels: NDArray[np.int32]) -> Known:
    """Where classes lie by (N, width) features of images that show ``labels``, (N,); N >= 1."""
    present, which = np.unique(labels, return_inverse=True)
    rows = features.astype(np.float64)
    means = np.stack([rows[which == k].mean(0) for k in range(len(present))])
    centred = rows - means[which]
    covariance = centred.T @ centred / len(rows)
    level = max(float(np.trace(covariance)) / len(covariance), 1e-6)
    shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * level * np.eye(len(covariance))
    whitening = np.linalg.cholesky(np.linalg.inv(shrunk))
    return Known(whitening.astype(np.float32), (means @ whitening).astype(np.float32), present.astype(np.float32))


def known_of(calibration: Calibration) -> Known:
    """What a calibration keeps of the known classes."""
    tensors = calibration.tensors
    return Known(tensors[WHITENING], tensors[CLASS_MEANS], tensors[CLASS_LABELS])


def distances(features: NDArray[np.float32], known: Known) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """How far each of (N, width) features lies from the nearest class, (N,), and which of ``known`` that is, (N,)."""
    whitened = features @ known.whitening
    squares = (whitened**2).sum(1)[:, None] + (known.means**2).sum(1) - 2 * whitened @ known.means.T
    nearest = squares.argmin(1)
    return np.sqrt(np.maximum(0, squares[np.arange(len(nearest)), nearest])), nearest


def cross_distances(features: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """The distances of images from classes that the other half of them tells: for data without training images."""
    if len(features) < 2:
        return np.zeros(len(features), np.float32)
    even = np.arange(len(features)) % 2 == 0
    found = np.empty(len(features), np.float32)
    for half in (even, ~even):
        found[half], _ = distances(features[half], fit_known(features[~half], labels[~half]))
    return found


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
