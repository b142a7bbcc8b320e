"""How good answers are: exact counters, and how far a count of so many images can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from googlenet.data.classes import ClassName
from googlenet.evaluation.score import Answers

_Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution

Interval = tuple[float, float]


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


@dataclass(frozen=True, eq=False)
class Figures:
    """What an evaluation found; rates are fractions, intervals hold the true rate in 95 of 100 cases (Wilson)."""

    images: int
    top1: float
    top5: float
    top1_interval: Interval
    top5_interval: Interval
    per_class: tuple[ClassFigures, ...]
    confusion: NDArray[np.int64]  # (classes, classes): row what it is, column what was answered


def wilson_interval(right: int, images: int) -> Interval:
    """Wilson's 95% interval of a rate, ``right`` of ``images`` > 0 (Wilson 1927, JASA 22)."""
    rate, z2 = right / images, _Z95**2
    centre = (rate + z2 / (2 * images)) / (1 + z2 / images)
    half = _Z95 * sqrt(rate * (1 - rate) / images + z2 / (4 * images**2)) / (1 + z2 / images)
    return max(0.0, centre - half), min(1.0, centre + half)


def measure(answers: Answers, classes: tuple[ClassName, ...]) -> Figures:
    """The figures of at least one answer."""
    images, count = len(answers.labels), len(classes)
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (answers.labels, answers.predicted), 1)
    top1, top5 = int((answers.rank == 0).sum()), int((answers.rank < 5).sum())
    return Figures(
        images=images,
        top1=top1 / images,
        top5=top5 / images,
        top1_interval=wilson_interval(top1, images),
        top5_interval=wilson_interval(top5, images),
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
    )
