"""The distance to what is known, against scikit-learn's neighbours, and its promise against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from googlenet.errors import SettingsError
from googlenet.trust.unknown import NEIGHBOURS, Detector, describe, nearest_known, reject_threshold
from googlenet.weights.calibration import Calibration
from tests.conftest import some_calibration


def _features(count: int, seed: int) -> np.ndarray:
    return np.maximum(0, np.random.default_rng(seed).standard_normal((count, 64))).astype(np.float32)


@pytest.mark.parametrize("themselves", [False, True])
def test_against_scikit_learn(themselves: bool) -> None:
    references = describe(_features(200, 0))
    images = np.concatenate([references, describe(_features(1100, 1))]) if themselves else describe(_features(1300, 1))
    scores, nearest = nearest_known(images, references, themselves=themselves)
    model = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, algorithm="brute").fit(references)
    distances, indices = model.kneighbors(images)
    first = np.arange(len(images)) < (200 if themselves else 0)
    expected = np.where(first, distances[:, 1:].mean(1), distances[:, :-1].mean(1))
    assert scores == pytest.approx(expected, abs=2e-3)  # of itself, the distance is 0 but for the last digits
    assert np.array_equal(nearest, np.where(first, indices[:, 1], indices[:, 0]))


def test_one_reference_and_features_of_nothing() -> None:
    scores, _ = nearest_known(describe(np.zeros((2, 8), np.float32)), describe(np.ones((1, 8), np.float32)))
    assert np.isfinite(scores).all()


def test_no_more_known_images_are_refused_than_was_asked() -> None:
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(2000):
        threshold = reject_threshold(np.sort(rng.standard_normal(99)).astype(np.float32), 0.05)
        rates.append((rng.standard_normal(500) > threshold).mean())
    assert np.mean(rates) == pytest.approx(0.05, abs=0.003)


def test_something_else_is_refused_and_told_why() -> None:
    detector = Detector(some_calibration(), 0.05)
    classes = ("blue", "green", "red")
    known = detector.verdicts(_features(400, 5), classes)
    other = detector.verdicts(np.eye(64, dtype=np.float32)[:50], classes)
    assert np.mean([part.rejected for part in known]) < 0.12
    assert all(part.rejected and part.score > part.threshold for part in other)
    assert other[0].reason is not None
    assert other[0].reason.startswith(
        "farther from everything learned than 100.0% of known photographs; the nearest is"
    )
    assert other[0].reason.split()[-1] in classes


def test_a_calibration_without_features_has_only_its_sets() -> None:
    whole = some_calibration()
    less = whole.without_features()
    assert isinstance(less, Calibration)
    assert less.facts.references == 0
    assert less.tensors.keys() == {"calibration/set_scores"}
    assert less.facts.temperature == whole.facts.temperature


@pytest.mark.parametrize(
    ("rate", "says"),
    [(0.009, "was calibrated on 99 images, which can tell no less than 0.01"), (0.0, "give a number"), (1.0, "give")],
)
def test_what_so_few_images_cannot_tell_is_refused(rate: float, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        reject_threshold(np.arange(99, dtype=np.float32), rate)
