"""Sets that keep their promise, and figures against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax
from scipy.stats import beta, binom

from googlenet.errors import SettingsError
from googlenet.trust.binomial import binomial_tail
from googlenet.trust.conformal import coverage_range, label_set, quantile, set_scores


@settings(deadline=None)
@given(st.integers(1, 400), st.data(), st.floats(0.001, 0.999))
def test_the_binomial_tail_against_scipy(count: int, data: st.DataObject, rate: float) -> None:
    least = data.draw(st.integers(0, count))
    assert binomial_tail(least, count, rate) == pytest.approx(binom.sf(least - 1, count, rate), abs=1e-10)


@settings(deadline=None)
@given(st.integers(20, 3000), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_the_range_of_the_coverage_against_scipy(images: int, level: float) -> None:
    rank = int(np.ceil(np.round((images + 1) * level, 9)))
    expected = beta.ppf([0.025, 0.975], rank, images + 1 - rank)
    assert coverage_range(images, level) == pytest.approx(tuple(expected), abs=1e-9)


def _images(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    logits = rng.standard_normal((count, 6)).astype(np.float32) * 2
    labels = (logits + 1.5 * rng.gumbel(size=logits.shape)).argmax(1).astype(np.int32)
    return logits, labels


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_the_promise_is_kept(level: float) -> None:
    """On average over calibrations, and after one of them within its range, in 95 of 100 cases."""
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(250):
        scores = set_scores(*_images(rng, 60))
        logits, labels = _images(rng, 1500)
        limit = quantile(scores, level, "--coverage")
        own = -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
        covered.append((own <= limit).mean())
    low, high = coverage_range(60, level)
    assert level - 0.01 < np.mean(covered) < level + 1 / 60 + 0.01
    assert 0.92 < np.mean([low - 0.005 <= part <= high + 0.005 for part in covered]) <= 0.99


def test_a_set_holds_the_likeliest_first_and_is_never_empty() -> None:
    logs = np.log(np.array([0.1, 0.6, 0.3], np.float32))
    assert label_set(logs, -np.log(0.2)).tolist() == [1, 2]
    assert label_set(logs, 99).tolist() == [1, 2, 0]
    assert label_set(logs, 0.0).tolist() == [1]


def test_the_quantile_is_the_one_of_the_definition() -> None:
    scores = np.arange(1, 20, dtype=np.float32)  # 19 images
    assert quantile(scores, 0.95, "--coverage") == 19  # 20 * 0.95 = 19 exactly, whatever binary makes of it
    assert quantile(scores, 0.9, "--coverage") == 18
    assert quantile(scores, 0.05, "--coverage") == 1


@pytest.mark.parametrize(
    ("level", "says"),
    [
        (0.96, "--coverage is 0.96, but the model was calibrated on 19 images, which can promise at most 0.95"),
        (1.0, "--coverage is 1; give a number between 0 and 1"),
        (0.0, "--coverage is 0; give"),
        (-3.0, "--coverage is -3; give"),
        (float("nan"), "--coverage is nan; give"),
    ],
)
def test_what_cannot_be_promised_is_refused(level: float, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        quantile(np.arange(19, dtype=np.float32), level, "--coverage")
