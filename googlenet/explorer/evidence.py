"""Why the answer: the logit of a class taken apart by place, by branch and by channel, exactly.

    logit(class) = bias + sum over channels and places of weight · activation / places

By place it is the class activation map of ``googlenet.explanation.cam``; by channel it says which feature spoke.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.explanation.cam import class_constants, class_evidence
from googlenet.explorer.branches import Branch
from googlenet.explorer.figures import figure, figures
from googlenet.explorer.maps import channel_means
from googlenet.spec import OUTPUTS
from googlenet.weights.model_file import SealedModel

_LOUDEST = 8
"""Channels shown that speak loudest for a class."""


def evidence_for(
    model: SealedModel, maps: NDArray[np.float32], branches: Sequence[Branch], classes: Sequence[int]
) -> list[dict[str, Any]]:
    """The logits of ``classes`` taken apart; ``maps``, (channels, height, width), come out of the last module."""
    rows = np.eye(len(model.classes))[list(classes)]
    places, biases = class_evidence(model, maps, rows), class_constants(model, rows)
    means, weights = channel_means(maps), model.tensors[f"{OUTPUTS['main']}/weight"]
    return [
        _one_class(index, places[i], float(biases[i]), weights[index] * means, branches)
        for i, index in enumerate(classes)
    ]


def _one_class(
    index: int,
    places: NDArray[np.float32],
    bias: float,
    channels: NDArray[np.float64],
    branches: Sequence[Branch],
) -> dict[str, Any]:
    loudest = np.argsort(-channels, kind="stable")[:_LOUDEST]
    total = float(places.sum(dtype=np.float64))
    return {
        "class": index,
        "logit": figure(bias + total),
        "bias": figure(bias),
        "evidence": figure(total),
        "places": [figures(row) for row in places],
        "branches": [{"end": branch.end, "value": figure(channels[branch.channels].sum())} for branch in branches],
        "channels": [{"channel": int(i), "value": figure(channels[i])} for i in loudest],
    }
