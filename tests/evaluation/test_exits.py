"""Thresholds of early exit against every pair of thresholds there is."""

from __future__ import annotations

from itertools import product
from math import inf

import numpy as np
import pytest

from googlenet.evaluation.exits import choose_thresholds, cumulative_macs
from googlenet.variants import paper

WORK = (0.62, 0.82, 1.01)


def _outcome(confidence: np.ndarray, right: np.ndarray, first: float, second: float) -> tuple[int, float]:
    """Right answers and work, image by image."""
    rights, work = 0, 0.0
    for sure, correct in zip(confidence, right, strict=True):
        head = 0 if sure[0] >= first else 1 if sure[1] >= second else 2
        rights, work = rights + int(correct[head]), work + WORK[head]
    return rights, work


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("tolerance", [0.0, 0.05, 1.0])
def test_the_least_work_that_loses_no_more(seed: int, tolerance: float) -> None:
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.random((40, 2)), 1 if seed % 2 else 6).astype(np.float32)
    right = rng.random((40, 3)) < np.column_stack([confidence, np.full(40, 0.9)])
    first, second = choose_thresholds(confidence, right, WORK, tolerance)
    rights, work = _outcome(confidence, right, inf if first is None else first, inf if second is None else second)
    least = right[:, 2].sum() - np.floor(tolerance * 40 + 1e-9)
    assert rights >= least
    every = product(*([inf, *np.unique(column).tolist()] for column in confidence.T))
    outcomes = [_outcome(confidence, right, *pair) for pair in every]
    assert work == pytest.approx(min(cost for correct, cost in outcomes if correct >= least))


def test_heads_that_are_never_right_are_never_asked() -> None:
    confidence = np.ones((10, 2), np.float32)
    right = np.column_stack([np.zeros((10, 2), bool), np.ones(10, bool)])
    assert choose_thresholds(confidence, right, WORK) == (None, None)


def test_many_images_take_a_moment() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random((10_000, 2)).astype(np.float32)
    right = rng.random((10_000, 3)) < np.column_stack([confidence, np.full(10_000, 0.9)])
    first, second = choose_thresholds(confidence, right, WORK)
    assert first is not None
    assert second is not None


def test_the_share_of_the_work() -> None:
    first, second, last = cumulative_macs(paper(), 224)
    main = sum(paper(aux_heads=False).macs().values())
    assert last == 1_591_044_096  # facts: main path and both heads
    assert (first - 4_169_728) / main == pytest.approx(0.6215, abs=1e-3)
    assert (second - 4_169_728 - 4_202_496) / main == pytest.approx(0.815, abs=2e-3)
