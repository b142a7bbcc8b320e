"""Labels that an image does not bear out, told by a classifier that never saw that image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import evaluation_batches
from googlenet.data.listing import Listing
from googlenet.data.look import Looks
from googlenet.data.preprocess import Preprocessing
from googlenet.doctor.files import Case
from googlenet.doctor.findings import Item
from googlenet.engines import Engine
from googlenet.engines.features import flat_features
from googlenet.engines.softmax import softmax
from googlenet.regression import logistic_regression
from googlenet.spec import FEATURES

_FOLDS = 5
_FEWEST = 2 * _FOLDS  # images of a class: below, the folds hold too few to know it by
_SURE, _UNLIKELY = 0.9, 0.05  # probability of another class, and of the label
_MOST_IMAGES = 20_000  # to fit one fold by
_BATCH = 32


def doubtful_labels(
    engine: Engine,
    preprocessing: Preprocessing,
    listing: Listing,
    looks: Looks,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Case]:
    """Of all images of classes with ten distinct ones or more, those whose label is doubtful, the most doubtful first.

    The features that ``engine``'s network gives are classified by logistic regression in five folds, each image by the
    four that do not hold it or a copy of it. Raises ``MissingExtraError`` without SciPy,
    ``ImageError`` for a file that can no longer be read.
    """
    words, labels = np.unique(np.array(listing.words, object), return_inverse=True)
    distinct = np.unique(np.stack([labels.astype(np.uint64), looks.ids]), axis=1)[0].astype(np.int64)
    judged = np.flatnonzero(np.bincount(distinct, minlength=len(words))[labels] >= _FEWEST)
    kept, labels = np.unique(labels[judged], return_inverse=True)
    if len(kept) < 2:
        return
    features = _features(engine, preprocessing, [listing.root / listing.paths[i] for i in judged], progress)
    probabilities = out_of_fold(features, labels, looks.ids[judged], len(kept))
    own = probabilities[np.arange(len(labels)), labels]
    doubtful = np.flatnonzero((probabilities.max(1) >= _SURE) & (own <= _UNLIKELY))
    for i in doubtful[np.argsort(own[doubtful], kind="stable")].tolist():
        path, best = listing.paths[judged[i]], int(probabilities[i].argmax())
        label, other = words[kept[labels[i]]], words[kept[best]]
        sure = f"{100 * probabilities[i, best]:.0f} % {other!r}"
        yield "doubtful-label", Item(f"labelled {label!r}, looks like {sure}", (path,), movable=(path,))


def out_of_fold(
    features: NDArray[np.float32], labels: NDArray[np.int64], ids: NDArray[np.uint64], classes: int
) -> NDArray[np.float32]:
    """(N, classes): the probabilities of each image by a classifier fitted on the other folds.

    Files of the same content lie in the same fold; contents are random, and so are the folds.
    """
    folds = (ids % _FOLDS).astype(np.int64)
    result = np.zeros((len(labels), classes), np.float32)
    for fold in range(_FOLDS):
        mine, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        if len(others) > _MOST_IMAGES:
            others = np.random.default_rng(fold).choice(others, _MOST_IMAGES, replace=False)
        weight, bias = logistic_regression(features[others], labels[others], classes)
        result[mine] = softmax(features[mine] @ weight.T + bias)
    return result


def _features(
    engine: Engine, preprocessing: Preprocessing, paths: Sequence[Path], progress: Callable[[int, int], None]
) -> NDArray[np.float32]:
    """(N, width)"""
    features = []
    for batch in evaluation_batches(paths, preprocessing, batch_size=_BATCH):
        features.append(flat_features(engine.activations(batch.images, (FEATURES,))[FEATURES]))
        progress(int(batch.indices[-1]) + 1, len(paths))
    return np.concatenate(features)
