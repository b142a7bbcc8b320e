"""The feature maps of one layer: its strongest channels, as pictures with their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.explorer.figures import figure
from googlenet.explorer.thumbnails import map_image

STRONGEST = 12
"""Channels shown of each layer."""


def channel_means(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean of each map: (channels, height, width) or (features,) -> (channels,)."""
    means: NDArray[np.float64] = values.reshape(len(values), -1).mean(1, dtype=np.float64)
    return means


def strongest(values: NDArray[np.float32], count: int = STRONGEST) -> list[int]:
    """The ``count`` channels with the greatest mean, the greatest first: what an average pooling would see most of."""
    order: list[int] = np.argsort(-channel_means(values), kind="stable")[:count].tolist()
    return order


def layer_maps(values: NDArray[np.float32]) -> dict[str, Any]:
    """What the page shows of a layer's output, (channels, height, width) or (features,), for one photograph.

    Each channel's picture spans from 0 (or the least value, where that is below) to its own greatest.
    """
    maps = values.reshape(len(values), -1)
    means, highs, lows = channel_means(values), maps.max(1), np.minimum(maps.min(1), 0)
    return {
        "mean": figure(means.mean()),
        "max": figure(highs.max()),
        "silent": int((maps == 0).all(1).sum()),
        "channels": [
            {
                "channel": i,
                "mean": figure(means[i]),
                "max": figure(highs[i]),
                "image": map_image(values[i], float(lows[i]), float(highs[i])) if maps.shape[1] > 1 else None,
            }
            for i in strongest(values)
        ],
    }
