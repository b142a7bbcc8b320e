"""Numbers as the page holds them: six significant digits, two more than it ever shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

DIGITS = 6


def figure(value: float) -> float:
    """One number, rounded."""
    return float(f"{value:.{DIGITS}g}")


def figures(values: ArrayLike) -> list[float]:
    """Many numbers, rounded."""
    return [figure(float(value)) for value in np.ravel(values)]
