"""The temperature against SciPy's minimiser."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from googlenet.trust.temperature import HIGHEST, LOWEST, fit_temperature


def _loss(inverse: float, logits: np.ndarray, labels: np.ndarray) -> float:
    doubt = 1 / (len(labels) + 2)
    logs = log_softmax(logits.astype(np.float64) * inverse, axis=1)
    return float(-((1 - doubt) * logs[np.arange(len(labels)), labels] + doubt * logs.mean(1)).mean())


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 12), st.integers(1, 200), st.floats(0.1, 12), st.integers(0, 2**31))
def test_against_scipy(classes: int, images: int, sharpness: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = (rng.standard_normal((images, classes)) * sharpness).astype(np.float32)
    labels = (logits + rng.standard_normal((images, classes)) * sharpness).argmax(1).astype(np.int32)
    expected = minimize_scalar(
        _loss, bounds=(1 / HIGHEST, 1 / LOWEST), args=(logits, labels), method="bounded", options={"xatol": 1e-9}
    )
    found = fit_temperature(logits, labels)
    assert _loss(1 / found, logits, labels) == pytest.approx(expected.fun, abs=1e-7)


def test_a_known_temperature_is_found() -> None:
    rng = np.random.default_rng(0)
    calibrated = rng.standard_normal((40_000, 5)) * 2
    labels = (calibrated + rng.gumbel(size=calibrated.shape)).argmax(1).astype(np.int32)
    assert fit_temperature((calibrated * 1.7).astype(np.float32), labels) == pytest.approx(1.7, rel=0.03)


def test_without_a_mistake_it_does_not_become_sure_of_everything() -> None:
    logits = np.eye(4, dtype=np.float32)[np.arange(180) % 4] * 5
    temperature = fit_temperature(logits, (np.arange(180) % 4).astype(np.int32))
    wrong = 1 - np.exp(log_softmax(logits[0] / temperature))[0]
    assert 1 / 400 < wrong < 1 / 100  # about one in 180


@pytest.mark.parametrize("logits", [np.zeros((3, 4)), np.full((1, 2), 7.0)])
def test_logits_that_say_nothing_keep_their_temperature(logits: np.ndarray) -> None:
    assert fit_temperature(logits.astype(np.float32), np.zeros(len(logits), np.int32)) == 1


def test_answers_that_are_worse_than_chance_stay_within_bounds() -> None:
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2]] * 9
    assert fit_temperature(logits, np.array([1, 2, 0], np.int32)) == pytest.approx(HIGHEST, rel=1e-6)
