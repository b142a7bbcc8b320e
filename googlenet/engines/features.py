"""Features of one image as one row, whatever its size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def flat_features(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, width) of what an engine gives for pool5: (N, width, 1, 1), or a larger map where the images are large."""
    return features.mean((2, 3)) if features.ndim == 4 else features
