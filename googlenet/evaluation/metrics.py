"""How good answers are: exact counters, and how far a count of so many images can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from googlenet.data.classes import ClassName
from googlenet.evaluation.score import Answers
from googlenet.trust.intervals import Estimate, Interval, f1_interval, macro_averages, wilson_interval


@dataclass(frozen=True)
class ClassFigures:
    """One class; what no image can tell is None, never 0."""

    id: str
    name: str
    images: int
    precision: float | None
    recall: float | None
    f1: float | None
    precision_interval: Interval | None
    recall_interval: Interval | None
    f1_interval: Interval | None


@dataclass(frozen=True, eq=False)
class Figures:
    """What an evaluation found; rates are fractions, intervals hold the true rate in 95 of 100 cases.

    The macro averages are over the classes that have images; ``balanced_accuracy`` is that of recall.
    """

    images: int
    top1: float
    top5: float
    top1_interval: Interval
    top5_interval: Interval
    balanced_accuracy: Estimate
    macro_precision: Estimate
    macro_f1: Estimate
    per_class: tuple[ClassFigures, ...]
    confusion: NDArray[np.int64]  # (classes, classes): row what it is, column what was answered


def measure(answers: Answers, classes: tuple[ClassName, ...]) -> Figures:
    """The figures of at least one answer."""
    images, count = len(answers.labels), len(classes)
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (answers.labels, answers.predicted), 1)
    top1, top5 = int((answers.rank == 0).sum()), int((answers.rank < 5).sum())
    balanced_accuracy, macro_precision, macro_f1 = macro_averages(confusion)
    return Figures(
        images=images,
        top1=top1 / images,
        top5=top5 / images,
        top1_interval=wilson_interval(top1, images),
        top5_interval=wilson_interval(top5, images),
        balanced_accuracy=balanced_accuracy,
        macro_precision=macro_precision,
        macro_f1=macro_f1,
        per_class=tuple(_class_figures(name, confusion, i) for i, name in enumerate(classes)),
        confusion=confusion,
    )


def _class_figures(name: ClassName, confusion: NDArray[np.int64], i: int) -> ClassFigures:
    right, images, answered = int(confusion[i, i]), int(confusion[i].sum()), int(confusion[:, i].sum())
    return ClassFigures(
        id=name.id,
        name=name.name,
        images=images,
        precision=right / answered if answered else None,
        recall=right / images if images else None,
        f1=2 * right / (images + answered) if images else None,
        precision_interval=wilson_interval(right, answered) if answered else None,
        recall_interval=wilson_interval(right, images) if images else None,
        f1_interval=f1_interval(right, images + answered - 2 * right) if images else None,
    )
