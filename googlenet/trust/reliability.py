"""Whether answers given with 80 % are right in 80 of 100 cases: the reliability diagram and its error in one number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
_DRAWS = 400


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies above ``low`` and up to ``high``."""

    low: float
    high: float
    images: int
    confidence: float  # mean, 0–1
    accuracy: float  # the part that was right


@dataclass(frozen=True)
class Reliability:
    """Bins that hold answers, of ``BINS`` equally wide ones, and what follows from them."""

    bins: tuple[Bin, ...]
    error: float  # expected calibration error: mean distance of confidence and accuracy, weighted by images
    noise: float  # the error that so few answers would show on average if each confidence were exactly right


def reliability(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> Reliability:
    """Compare (N,) confidences, 0–1, with whether each answer was right; N >= 1.

    Naeini, Cooper, Hauskrecht, AAAI 2015, with the 15 bins of Guo et al., ICML 2017. ``noise`` is drawn from a fixed
    seed: an ``error`` near it means nothing is left to mend that these images could show.
    """
    certain = confidence.astype(np.float64)
    where = np.clip(np.ceil(certain * BINS).astype(np.intp) - 1, 0, BINS - 1)
    images = np.bincount(where, minlength=BINS)
    sums: NDArray[np.float64] = np.bincount(where, certain, BINS).astype(np.float64)
    hits = np.bincount(where, right, BINS)
    bins = tuple(
        Bin(i / BINS, (i + 1) / BINS, int(images[i]), sums[i] / images[i], hits[i] / images[i])
        for i in np.flatnonzero(images)
    )
    error = float(np.abs(hits - sums).sum() / len(certain))
    return Reliability(bins, error, _noise(certain, where, sums))


def _noise(certain: NDArray[np.float64], where: NDArray[np.intp], sums: NDArray[np.float64]) -> float:
    rng = np.random.default_rng(0)
    total = 0.0
    for _ in range(_DRAWS):
        hits = np.bincount(where, rng.random(len(certain)) < certain, BINS)
        total += np.abs(hits - sums).sum()
    return total / (_DRAWS * len(certain))
