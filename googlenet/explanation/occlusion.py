"""What is lost when a part of the picture is covered: no gradients, any engine, one forward pass per cell.

Zeiler & Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from googlenet.engines import Engine
from googlenet.explanation.maps import Map

_CELLS = 14  # along a side; the patch is two cells wide, so that neighbours overlap by half
_BATCH = 16


def occlusion(
    engine: Engine,
    image: NDArray[np.float32],
    targets: NDArray[np.float64],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Map]:
    """Per score its fall when a gray patch (input 0, the mean colour) lies on each of 14 x 14 cells of ``image``,
    (3, height, width); ``targets`` as in ``gradients``. Raises what ``Engine.logits`` raises.
    """
    rows, columns = (_spans(side) for side in image.shape[1:])
    spans = [(row, column) for row in rows for column in columns]
    scores = targets @ engine.logits(image[None])[0]
    falls = np.empty((len(targets), len(spans)), np.float32)
    for first in range(0, len(spans), _BATCH):
        some = spans[first : first + _BATCH]
        batch = np.repeat(image[None], len(some), 0)
        for covered, (row, column) in zip(batch, some, strict=True):
            covered[:, row, column] = 0
        falls[:, first : first + len(some)] = scores[:, None] - targets @ engine.logits(batch).T
        progress(first + len(some), len(spans))
    shape = (len(rows), len(columns))
    return [Map(fall.reshape(shape), float(score)) for fall, score in zip(falls, scores, strict=True)]


def _spans(side: int) -> list[slice]:
    """What the patch covers at each cell along a side; at the borders it hangs over."""
    cells = min(_CELLS, side)
    width = side / cells
    return [slice(max(0, round((i - 0.5) * width)), round((i + 1.5) * width)) for i in range(cells)]
