"""Counters against scikit-learn, intervals against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, top_k_accuracy_score

from googlenet.data.classes import ClassName
from googlenet.evaluation.metrics import measure
from googlenet.evaluation.score import answers_of
from googlenet.trust.intervals import wilson_interval


@settings(max_examples=1000, deadline=None)
@given(st.integers(2, 12), st.integers(1, 80), st.integers(0, 2**31))
def test_against_scikit_learn(classes: int, images: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((images, classes)).astype(np.float32)
    labels = rng.integers(0, classes, images).astype(np.int32)
    figures = measure(
        answers_of(logits, np.arange(images), labels), tuple(ClassName(str(i), str(i)) for i in range(classes))
    )
    predicted = logits.argmax(1)
    names = np.arange(classes)
    assert np.array_equal(figures.confusion, confusion_matrix(labels, predicted, labels=names))
    assert figures.top1 == pytest.approx((labels == predicted).mean())
    if classes > 5:
        assert figures.top5 == pytest.approx(top_k_accuracy_score(labels, logits, k=5, labels=names))
    else:
        assert figures.top5 == 1
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=names, zero_division=0)
    for i, row in enumerate(figures.per_class):
        assert row.images == support[i]
        assert (row.recall or 0) == pytest.approx(recall[i])
        assert (row.precision or 0) == pytest.approx(precision[i])
        assert (row.f1 or 0) == pytest.approx(f1[i])
        assert (row.recall is None) == (support[i] == 0)
        for value, interval in (
            (row.recall, row.recall_interval),
            (row.precision, row.precision_interval),
            (row.f1, row.f1_interval),
        ):
            assert (value is None) == (interval is None)
            assert value is None or (interval is not None and interval[0] <= value <= interval[1])
    macro = precision_recall_fscore_support(
        labels, predicted, labels=np.unique(labels), average="macro", zero_division=0
    )[:3]
    found = (figures.macro_precision, figures.balanced_accuracy, figures.macro_f1)
    assert [estimate.value for estimate in found] == pytest.approx(macro)
    assert all(estimate.interval[0] <= estimate.value <= estimate.interval[1] for estimate in found)


@given(st.integers(1, 2000), st.data())
def test_wilson_against_scipy(images: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, images))
    expected = binomtest(right, images).proportion_ci(method="wilson")
    assert wilson_interval(right, images) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_of_equal_logits_the_first_class_is_likelier() -> None:
    answers = answers_of(np.zeros((3, 3), np.float32), np.arange(3), np.array([0, 1, 2], np.int32))
    assert answers.rank.tolist() == [0, 1, 2]
    assert answers.predicted.tolist() == [0, 0, 0]
