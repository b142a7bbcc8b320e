"""From logits to probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities along the last axis."""
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities: NDArray[np.float32] = exponentials / exponentials.sum(-1, keepdims=True)
    return probabilities
