"""What a network gives for each image of a data set, kept whole: logits and features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import evaluation_batches
from googlenet.data.index import Dataset, Skipped
from googlenet.data.preprocess import Preprocessing
from googlenet.engines import Engine
from googlenet.engines.features import flat_features
from googlenet.errors import DataError
from googlenet.spec import FEATURES, OUTPUTS

_BATCH = 32


@dataclass(frozen=True, eq=False)
class Outputs:
    """One row per image that could be read."""

    labels: NDArray[np.int32]  # (N,)
    logits: NDArray[np.float32]  # (N, classes)
    features: NDArray[np.float32]  # (N, width), what comes out of pool5
    skipped: tuple[Skipped, ...] = ()
    aux: tuple[NDArray[np.float32], ...] = ()  # logits of aux1 and aux2 where they were asked for, each (N, classes)


def outputs_of(
    engine: Engine,
    preprocessing: Preprocessing,
    dataset: Dataset,
    indices: NDArray[np.int64],
    *,
    aux: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Outputs:
    """Run ``engine`` on the images ``indices``, in order; raises ``DataError`` where none can be read."""
    skipped: list[Skipped] = []
    rows, logits, features, early = [], [], [], []
    heads = (OUTPUTS["aux1"], OUTPUTS["aux2"]) if aux else ()
    paths = (dataset.path(int(i)) for i in indices)
    for batch in evaluation_batches(paths, preprocessing, batch_size=_BATCH, skipped=skipped):
        found = engine.activations(batch.images, (OUTPUTS["main"], FEATURES, *heads))
        rows.append(indices[batch.indices])
        logits.append(found[OUTPUTS["main"]])
        features.append(flat_features(found[FEATURES]))
        early.append([found[name] for name in heads])
        progress(int(batch.indices[-1]) + 1, len(indices))
    if not rows:
        first = f"; the first: {skipped[0].path}" if skipped else ""
        raise DataError(f"{dataset.root}: none of {len(indices)} images can be read{first}")
    labels = dataset.labels[np.concatenate(rows)]
    aux_logits = tuple(map(np.concatenate, zip(*early, strict=True)))
    return Outputs(labels, np.concatenate(logits), np.concatenate(features), tuple(skipped), aux_logits)
