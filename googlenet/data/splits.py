"""Which images train, validate and test, where the source does not say.

The rule: of every class, one tenth of the distinct images (by content; at least one, if one remains to train) is for
testing and one tenth for validation. Which ones is decided by a hash of the content and the seed, so that names, order
and copies of files do not matter. Byte-identical files go together; those that carry several labels can judge nothing
and go to training.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from googlenet.data.draws import key
from googlenet.data.listing import Split


def draw_splits(
    labels: NDArray[np.int32], ids: NDArray[np.uint64], seed: int, held_out: Collection[Split] = (Split.TEST, Split.VAL)
) -> NDArray[np.int8]:
    """The split of each image of int8, (N,); ``held_out`` are the splits to draw, the rest stays in training."""
    splits = np.full(len(ids), Split.TRAIN, np.int8)
    ambiguous = several_labels(labels, ids)
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        contents, inverse = np.unique(ids[mine], return_inverse=True)
        contents_splits = np.full(len(contents), Split.TRAIN, np.int8)
        free = np.flatnonzero(~np.isin(contents, ambiguous))
        order = sorted(free, key=lambda i: key(seed, int(contents[i])))
        share = max(1, (len(order) + 5) // 10) if len(order) > len(held_out) else 0
        for part, split in enumerate(held_out):
            contents_splits[order[part * share : (part + 1) * share]] = split
        splits[mine] = contents_splits[inverse]
    return splits


def several_labels(labels: NDArray[np.int32], ids: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The contents that occur under more than one label, sorted."""
    pairs = np.unique(np.stack([ids, labels.astype(np.uint64)]), axis=1)
    contents, counts = np.unique(pairs[0], return_counts=True)
    return contents[counts > 1]
