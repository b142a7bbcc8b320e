"""Multinomial logistic regression: a linear classifier on features that do not change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import MissingExtraError

_PENALTY = 0.03  # on the squared weights, features scaled to unit deviation
_ITERATIONS = 60

Floats = NDArray[np.float32]


def logistic_regression(features: Floats, labels: NDArray[np.int64], classes: int) -> tuple[Floats, Floats]:
    """Weight (classes, features) and bias (classes,) of a penalised logistic regression, by L-BFGS.

    ``features``: (N, features); ``labels``: (N,). Raises ``MissingExtraError`` without SciPy.
    """
    try:
        from scipy.optimize import minimize
        from scipy.special import logsumexp
    except ModuleNotFoundError as error:
        raise MissingExtraError("scipy", "train") from error
    count = len(features)
    centre = features.mean(0)
    spread = max(float(features.std(0, ddof=1).mean()), 1e-12)
    scaled = (features - centre) / np.float32(spread)  # one scale for all: the features keep their geometry
    rows = np.arange(count)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weight, bias = _split(flat, classes)
        logits = scaled @ weight.T + bias
        logs = logits - logsumexp(logits, axis=1, keepdims=True)
        errors = np.exp(logs)
        errors[rows, labels] -= 1
        errors /= count
        value = -float(logs[rows, labels].mean(dtype=np.float64)) + _PENALTY / 2 * float(
            np.square(flat[classes:]).sum()
        )
        gradient = np.concatenate([errors.sum(0), (errors.T @ scaled + np.float32(_PENALTY) * weight).ravel()])
        return value, gradient.astype(np.float64)

    start = np.zeros(classes * (1 + features.shape[1]))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS, "maxcor": 10})
    weight, bias = _split(found.x, classes)
    weight = weight / np.float32(spread)
    return weight, bias - weight @ centre


def _split(flat: NDArray[np.float64], classes: int) -> tuple[Floats, Floats]:
    values = flat.astype(np.float32)
    return values[classes:].reshape(classes, -1), values[:classes]
