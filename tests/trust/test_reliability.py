"""The reliability diagram against scikit-learn's, its noise against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from googlenet.trust.reliability import BINS, reliability


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(0, 2**31))
def test_against_scikit_learn(images: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = rng.random(images).astype(np.float32)
    right = rng.random(images) < confidence
    found = reliability(confidence, right)
    accuracy, mean = calibration_curve(right, confidence.astype(np.float64), n_bins=BINS)
    assert [part.accuracy for part in found.bins] == pytest.approx(accuracy.tolist())
    assert [part.confidence for part in found.bins] == pytest.approx(mean.tolist())
    assert sum(part.images for part in found.bins) == images
    weights = np.array([part.images for part in found.bins]) / images
    assert found.error == pytest.approx(float((weights * np.abs(accuracy - mean)).sum()))


def test_the_ends_and_the_edges_belong_to_a_bin() -> None:
    confidence = np.array([0, 1 / 15, 14 / 15, 1], np.float32)
    found = reliability(confidence, np.ones(4, bool))
    assert sum(part.images for part in found.bins) == 4


def test_confidences_that_are_right_show_no_more_than_noise() -> None:
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.4, 1, (200, 250)).astype(np.float32)
    found = [reliability(row, rng.random(250) < row) for row in confidence]
    assert np.mean([part.error for part in found]) == pytest.approx(np.mean([part.noise for part in found]), rel=0.05)
    too_sure = reliability(confidence[0], rng.random(250) < confidence[0] - 0.2)
    assert too_sure.error > 3 * too_sure.noise
