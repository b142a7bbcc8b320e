"""Tails of the binomial distribution, which exact tests and guarantees rest on."""

from __future__ import annotations

from math import log

import numpy as np


def binomial_tail(least: int, count: int, rate: float) -> float:
    """The probability that at least ``least`` of ``count`` come up, each with probability ``rate``, 0 < rate < 1."""
    k = np.arange(least, count + 1)
    log_factorials = np.cumsum(np.log(np.maximum(1, np.arange(count + 1))))
    choices = log_factorials[count] - log_factorials[k] - log_factorials[count - k]
    return float(min(1.0, np.exp(choices + k * log(rate) + (count - k) * log(1 - rate)).sum()))


def beta_quantile(share: float, a: int, b: int) -> float:
    """Where the Beta(a, b) distribution of whole a and b reaches ``share``.

    By bisection on the tail: Beta(a, b) <= x just as often as a of a + b - 1 coins come up with x.
    """
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if binomial_tail(a, a + b - 1, middle) < share else (low, middle)
    return (low + high) / 2
