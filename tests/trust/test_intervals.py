"""Averages against scikit-learn; every interval against simulation: it holds the truth in about 95 of 100 cases."""

from __future__ import annotations

import numpy as np
import pytest

from googlenet.trust.intervals import Estimate, f1_interval, macro_averages, wilson_interval

RUNS = 1500


def _tables(classes: int, images: int, accuracy: float, imbalance: float) -> tuple[np.ndarray, np.ndarray]:
    """What share of the images falls in each cell, and what was counted in each of ``RUNS`` evaluations."""
    share = imbalance ** np.arange(classes)
    cells = np.full((classes, classes), (1 - accuracy) / (classes - 1))
    np.fill_diagonal(cells, accuracy)
    truth = share[:, None] / share.sum() * cells
    drawn = np.random.default_rng(0).multinomial(images, truth.ravel(), size=RUNS).reshape(RUNS, classes, classes)
    return truth, drawn[(drawn.sum(2) > 0).all(1)]


def _covered(intervals: list[tuple[float, float]], truth: float) -> float:
    return float(np.mean([low <= truth <= high for low, high in intervals]))


@pytest.mark.parametrize(
    ("classes", "images", "accuracy", "imbalance"),
    [(2, 200, 0.9, 1.0), (5, 250, 0.94, 1.0), (5, 250, 0.94, 0.8), (10, 300, 0.8, 0.9), (5, 2000, 0.6, 1.0)],
)
def test_intervals_hold_the_truth(classes: int, images: int, accuracy: float, imbalance: float) -> None:
    truth, drawn = _tables(classes, images, accuracy, imbalance)
    hits, rows, columns = np.diag(truth), truth.sum(1), truth.sum(0)
    found = [macro_averages(table) for table in drawn]
    exact = [(hits / rows).mean(), (hits / columns).mean(), (2 * hits / (rows + columns)).mean()]
    for i, value in enumerate(exact):
        assert 0.93 <= _covered([estimates[i].interval for estimates in found], value) <= 0.97
    first = [(table[0, 0], table[0].sum() + table[:, 0].sum() - 2 * table[0, 0]) for table in drawn]
    one_class = [f1_interval(int(right), int(wrong)) for right, wrong in first]
    assert 0.93 <= _covered(one_class, 2 * hits[0] / (rows[0] + columns[0])) <= 0.97
    rate = [wilson_interval(int(np.trace(table)), images) for table in drawn]
    assert 0.93 <= _covered(rate, hits.sum()) <= 0.97


def test_without_a_mistake_the_interval_still_has_a_width() -> None:
    for estimate in macro_averages(np.diag([50, 50, 50])):
        assert estimate.value == 1
        assert estimate.interval[1] == 1
        assert 0.9 < estimate.interval[0] < 0.99


def test_one_class_alone_and_classes_without_images() -> None:
    recall, precision, f1 = macro_averages(np.array([[8, 2, 0], [0, 0, 0], [0, 0, 0]]))
    assert (recall.value, precision.value, f1.value) == (0.8, 1.0, pytest.approx(16 / 18))
    assert all(estimate.interval[0] <= estimate.value <= estimate.interval[1] for estimate in (recall, precision, f1))
    nothing_right = macro_averages(np.array([[0, 5], [5, 0]]))
    assert [estimate.value for estimate in nothing_right] == [0, 0, 0]
    assert all(isinstance(estimate, Estimate) and estimate.interval[0] == 0 for estimate in nothing_right)
