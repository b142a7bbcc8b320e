"""A new classifier on frozen features: multinomial logistic regression, the first step of fine-tuning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import evaluation_batches
from googlenet.data.index import Dataset
from googlenet.data.preprocess import Preprocessing
from googlenet.regression import logistic_regression
from googlenet.settings import TrainSettings
from googlenet.spec import OUTPUTS
from googlenet.training.learner import Learner

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
