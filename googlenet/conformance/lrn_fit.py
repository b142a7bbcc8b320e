"""The constants of a local response norm, measured from what goes in and what comes out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from googlenet.conformance.recorder import Array
from googlenet.spec import LRN

Values = NDArray[np.float64]

_SIZES = (5, 3, 7, 9, 1, 11)  # channels; the likeliest first
_POINTS = 4000
_TOLERANCE = 1e-4  # of y, relative


def fit_lrn(x: Array, y: Array) -> LRN | None:
    """The norm that gives ``y`` from ``x``, both (channels, height, width); None where no such norm does.

    y / x = (k + alpha / size · S) ** -beta, with S the sum of squares over ``size`` channels. For a given beta this is
    a straight line, the inverse root of the quotient over S; the beta that bends it least is searched for.
    """
    size = np.abs(x)
    clear = size > 0.1 * size.max()
    if not clear.any() or not (np.sign(x) == np.sign(y))[clear].all() or (y[x == 0] != 0).any():
        return None
    chosen = np.flatnonzero(clear)
    chosen = chosen[:: max(1, len(chosen) // _POINTS)]
    quotient = y.reshape(-1)[chosen].astype(np.float64) / x.reshape(-1)[chosen]
    for channels in _SIZES:
        sums = _window_sums(x.astype(np.float64) ** 2, channels).reshape(-1)[chosen]
        beta, k, slope, error = _best_line(quotient, sums)
        if error < _TOLERANCE:
            return LRN(size=channels, alpha=_rounded(slope * channels), beta=_rounded(beta), k=_rounded(k))
    return None


def _window_sums(squares: Values, channels: int) -> Values:
    before = channels // 2
    padded = np.concatenate(
        [np.zeros((before + 1, *squares.shape[1:])), squares, np.zeros((before, *squares.shape[1:]))]
    )
    total = padded.cumsum(0)
    sums: Values = total[channels:] - total[:-channels]
    return sums


def _best_line(quotient: Values, sums: Values) -> tuple[float, float, float, float]:
    """beta, k, slope, and the greatest relative error of the quotient; narrowing in on the best beta."""
    low, high = 0.05, 3.0
    best = (1.0, 1.0, 0.0, np.inf)
    for _ in range(8):
        betas = np.linspace(low, high, 21)
        lines = [_line(quotient, sums, float(beta)) for beta in betas]
        errors = [line[3] for line in lines]
        place = int(np.argmin(errors))
        best = lines[place]
        low, high = betas[max(place - 1, 0)], betas[min(place + 1, len(betas) - 1)]
    return best


def _line(quotient: Values, sums: Values, beta: float) -> tuple[float, float, float, float]:
    roots = quotient ** (-1 / beta)
    if not np.isfinite(roots).all():
        return beta, 1.0, 0.0, np.inf
    weighted = np.stack([1 / roots, sums / roots], axis=1)  # errors relative to the root
    (k, slope), *_ = np.linalg.lstsq(weighted, np.ones(len(roots)), rcond=None)
    found = k + slope * sums
    if k <= 0 or slope <= 0 or (found <= 0).any():
        return beta, 1.0, 0.0, np.inf
    return beta, float(k), float(slope), float(np.abs(found**-beta / quotient - 1).max())


def _rounded(value: float) -> float:
    """To three digits, what the measurement is good for."""
    return float(f"{value:.3g}")
