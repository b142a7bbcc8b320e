"""The distance to what is known, against scikit-learn and SciPy, and its promise against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.covariance import empirical_covariance, shrunk_covariance

from googlenet.errors import SettingsError
from googlenet.trust.unknown import Detector, cross_distances, distances, fit_known, reject_threshold
from googlenet.weights.calibration import Calibration
from tests.conftest import some_calibration


def _features(count: int, seed: int) -> np.ndarray:
    return np.maximum(0, np.random.default_rng(seed).standard_normal((count, 64))).astype(np.float32)


def test_against_scikit_learn_and_scipy() -> None:
    features, labels = _features(300, 0), np.random.default_rng(1).choice([0, 2, 5], 300).astype(np.int32)
    images = _features(40, 2)
    scores, nearest = distances(images, fit_known(features, labels))
    means = np.stack([features[labels == label].mean(0) for label in (0, 2, 5)])
    centred = features - means[np.searchsorted([0, 2, 5], labels)]
    inverse = np.linalg.inv(shrunk_covariance(empirical_covariance(centred, assume_centered=True), shrinkage=0.1))
    expected = cdist(images, means, "mahalanobis", VI=inverse)
    assert scores == pytest.approx(expected.min(1), rel=1e-3)
    assert np.array_equal(nearest, expected.argmin(1))


def test_one_image_and_features_of_nothing() -> None:
    known = fit_known(np.ones((1, 8), np.float32), np.zeros(1, np.int32))
    assert np.isfinite(distances(np.zeros((2, 8), np.float32), known)[0]).all()
    nothing = fit_known(np.zeros((5, 8), np.float32), np.zeros(5, np.int32))
    assert distances(np.zeros((2, 8), np.float32), nothing)[0].tolist() == [0, 0]


def test_without_training_images_the_halves_judge_each_other() -> None:
    features, labels = _features(200, 0), np.arange(200, dtype=np.int32) // 2 % 3
    found = cross_distances(features, labels)
    expected, _ = distances(features[::2], fit_known(features[1::2], labels[1::2]))
    assert found[::2] == pytest.approx(expected)
    own, _ = distances(features, fit_known(features, labels))
    assert found.mean() > own.mean()
    assert cross_distances(features[:1], labels[:1]).tolist() == [0]


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
    other = detector.verdicts(np.eye(64, dtype=np.float32)[:50] * 20, classes)
    assert np.mean([part.rejected for part in known]) < 0.12
    assert all(part.rejected and part.score > part.threshold for part in other)
    assert other[0].reason is not None
    assert other[0].reason.startswith(
        "farther from everything learned than 100.0% of known photographs; the nearest class is"
    )
    assert other[0].reason.split()[-1] in classes


def test_a_calibration_without_features_has_only_its_sets() -> None:
    whole = some_calibration()
    less = whole.without_features()
    assert isinstance(less, Calibration)
    assert less.facts.known_classes == 0
    assert less.tensors.keys() == {"calibration/set_scores"}
    assert less.facts.temperature == whole.facts.temperature


@pytest.mark.parametrize(
    ("rate", "says"),
    [(0.009, "was calibrated on 99 images, which can tell no less than 0.01"), (0.0, "give a number"), (1.0, "give")],
)
def test_what_so_few_images_cannot_tell_is_refused(rate: float, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        reject_threshold(np.arange(99, dtype=np.float32), rate)
