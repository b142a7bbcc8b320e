"""A new classifier on frozen features: multinomial logistic regression, the first step of fine-tuning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from googlenet.data.batches import evaluation_batches
from googlenet.data.index import Dataset
from googlenet.data.preprocess import Preprocessing
from googlenet.settings import TrainSettings
from googlenet.spec import OUTPUTS
from googlenet.training.learner import Learner

_PENALTY = 0.03  # on the squared weights, features scaled to unit deviation
_ITERATIONS = 60
_MOST_IMAGES = 20_000  # enough for 1024 features; a larger data set is sampled

Floats = NDArray[np.float32]


def fit_head(
    learner: Learner,
    dataset: Dataset,
    indices: NDArray[np.int64],
    preprocessing: Preprocessing,
    settings: TrainSettings,
    progress: Callable[[int, int], None],
) -> dict[str, Floats]:
    """The main classifier, as canonical tensors, that fits the features of the images ``indices`` and their mirrors."""
    if len(indices) > _MOST_IMAGES:
        indices = np.random.default_rng(settings.seed).choice(indices, _MOST_IMAGES, replace=False)
    features: list[Floats] = []
    labels: list[NDArray[np.int64]] = []
    done = 0
    paths = (dataset.path(int(i)) for i in indices)
    for batch in evaluation_batches(paths, preprocessing, batch_size=settings.batch_size):
        mirrored = np.ascontiguousarray(batch.images[..., ::-1])
        features += [learner.features(batch.images), learner.features(mirrored)]
        labels += [dataset.labels[indices[batch.indices]].astype(np.int64)] * 2
        done += len(batch.indices)
        progress(done, len(indices))
    weight, bias = logistic_regression(np.concatenate(features), np.concatenate(labels), len(dataset.classes))
    return {f"{OUTPUTS['main']}/weight": weight, f"{OUTPUTS['main']}/bias": bias}


def logistic_regression(features: Floats, labels: NDArray[np.int64], classes: int) -> tuple[Floats, Floats]:
    """Weight (classes, features) and bias (classes,) of a penalised logistic regression, by L-BFGS.

    ``features``: (N, features); ``labels``: (N,).
    """
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
