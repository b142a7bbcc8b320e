"""From logits to probabilities, and whether what came from elsewhere is probabilities at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def log_softmax(logits: Floats) -> Floats:
    """The logarithms of the probabilities along the last axis, exact where these are too small for a float."""
    shifted = logits - logits.max(-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result
