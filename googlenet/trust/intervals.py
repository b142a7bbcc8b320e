"""How far a figure counted on so many images can be off: 95 % intervals."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution

Interval = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A figure and where it lies in 95 of 100 cases."""

    value: float
    interval: Interval


def wilson_interval(right: int, images: int) -> Interval:
    """Wilson's 95% interval of a rate, ``right`` of ``images`` > 0 (Wilson 1927, JASA 22)."""
    rate, z2 = right / images, Z95**2
    centre = (rate + z2 / (2 * images)) / (1 + z2 / images)
    half = Z95 * sqrt(rate * (1 - rate) / images + z2 / (4 * images**2)) / (1 + z2 / images)
    return (centre - half if right else 0.0), (centre + half if right < images else 1.0)  # exact at both ends


def f1_interval(right: int, wrong: int) -> Interval:
    """The 95% interval of a class's F1, ``right`` found and ``wrong`` missed or answered falsely, not both 0.

    F1 = 2p / (1 + p), where p is the part of right ones among all these images; that is a rate, and has Wilson's.
    """
    low, high = wilson_interval(right, right + wrong)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def macro_averages(confusion: NDArray[np.int64]) -> tuple[Estimate, Estimate, Estimate]:
    """Recall (that is, balanced accuracy), precision and F1, each averaged over the classes that have images.

    ``confusion``: (classes, classes), row what it is, column what was answered; at least one image. A class that was
    never answered has the precision 0. Intervals by the delta method on a table with 2/K hits and 2/K misses more in
    each of K classes (Price and Bonett 2004, for recalls): without these it is far too sure of itself near 100 %.
    """
    present = confusion.sum(1) > 0
    table, own = confusion[present].astype(np.float64), np.flatnonzero(present)
    widened = table + 2 / len(table) / max(1, len(confusion) - 1)
    widened[np.arange(len(table)), own] = table[np.arange(len(table)), own] + 2 / len(table)
    return _recall(table, widened, own), _precision(table, widened, own), _f1(table, widened, own)


Table = NDArray[np.float64]  # (K, classes): the rows of the confusion that have images


def _recall(table: Table, widened: Table, own: NDArray[np.intp]) -> Estimate:
    hits, rows = _hits(widened, own), widened.sum(1)
    slope = np.repeat((-hits / rows**2)[:, None], table.shape[1], axis=1)
    slope[np.arange(len(own)), own] += 1 / rows
    return _estimate(float((_hits(table, own) / table.sum(1)).mean()), hits / rows, slope, widened)


def _precision(table: Table, widened: Table, own: NDArray[np.intp]) -> Estimate:
    hits, columns = _hits(widened, own), widened.sum(0)
    slope = np.zeros_like(table)
    slope[:, own] = -hits / columns[own] ** 2
    slope[np.arange(len(own)), own] += 1 / columns[own]
    value = float((_hits(table, own) / np.maximum(1, table.sum(0)[own])).mean())
    return _estimate(value, hits / columns[own], slope, widened)


def _f1(table: Table, widened: Table, own: NDArray[np.intp]) -> Estimate:
    hits, sums = _hits(widened, own), widened.sum(1) + widened.sum(0)[own]
    fall = -2 * hits / sums**2  # with each image more of the class, and with each answer more
    slope = np.repeat(fall[:, None], table.shape[1], axis=1)
    slope[:, own] += fall
    slope[np.arange(len(own)), own] += 2 / sums
    value = float((2 * _hits(table, own) / (table.sum(1) + table.sum(0)[own])).mean())
    return _estimate(value, 2 * hits / sums, slope, widened)


def _hits(table: Table, own: NDArray[np.intp]) -> NDArray[np.float64]:
    hits: NDArray[np.float64] = table[np.arange(len(own)), own]
    return hits


def _estimate(value: float, each: NDArray[np.float64], slope: Table, widened: Table) -> Estimate:
    """The interval around the mean of ``each``, whose derivative by each cell of ``widened`` is ``slope`` / K."""
    slope = slope / len(each)
    variance = (widened * slope**2).sum() - (widened * slope).sum() ** 2 / widened.sum()
    half = Z95 * sqrt(max(0.0, variance))
    centre = float(each.mean())
    return Estimate(value, (max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half))))
