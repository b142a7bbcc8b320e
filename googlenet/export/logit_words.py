"""What programs do to logits afterwards that they should not, or not before they are compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from googlenet.export.contract import Contract


def words_for_logits(contract: Contract, right: NDArray[np.float64], traced: NDArray[np.float64]) -> str | None:
    """What was done to right logits, (probes, classes), to make the traced ones of them; None for nothing known."""

    def near(expected: NDArray[np.float64], found: NDArray[np.float64]) -> bool:
        scale = max(np.abs(expected).max(), 1e-12)
        return bool(np.abs(expected - found).max() <= contract.tolerance.loose_logits * scale)

    if not np.isfinite(traced).all():
        return "not all are finite numbers"
    shifted = right - right.max(axis=1, keepdims=True)
    probabilities = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    if near(probabilities, traced):
        return "softmaxed: probabilities instead of logits"
    if near(np.log(np.maximum(probabilities, 1e-300)), traced):
        return "log-softmaxed: logarithms of probabilities instead of logits"
    if near(np.sort(right), np.sort(traced)):
        by_name = np.argsort([part.name for part in contract.classes], kind="stable")
        how = ", sorted by name" if near(right[:, by_name], traced) else ""
        return f"classes reordered{how}"
    if near(np.sort(probabilities), np.sort(traced)):
        return "classes reordered, and softmaxed"
    if contract.calibration and near(right / contract.calibration.temperature, traced):
        return "divided by the calibration's temperature already"
    return None
