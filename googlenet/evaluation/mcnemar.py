"""Whether one of two models is better, told from the images that only one of them has right."""

from __future__ import annotations

from math import comb


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of McNemar's test (Psychometrika 12, 1947): how often two equally good models would
    share out the images that only one of them has right at least so unevenly.
    """
    images = only_first + only_second
    tail: int = sum(comb(images, k) for k in range(min(only_first, only_second) + 1))
    whole: int = 2**images
    return min(1.0, 2 * tail / whole)
