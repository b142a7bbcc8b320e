"""What a head says: its likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from googlenet.engines.softmax import softmax
from googlenet.explorer.figures import figure

TOP = 5


def likeliest(logits: NDArray[np.float32]) -> list[int]:
    """The five likeliest classes of (classes,) logits, the likeliest first; all of them where there are fewer."""
    order: list[int] = np.argsort(-logits, kind="stable")[:TOP].tolist()
    return order


def opinion(logits: NDArray[np.float32], classes: Sequence[int] = ()) -> list[tuple[int, float]]:
    """(class, probability) of the likeliest of (classes,) logits, and of ``classes``, the likeliest first."""
    probabilities = softmax(logits)
    named = sorted(
        {*likeliest(logits), *classes}, key=lambda i: -logits[i]
    )  # which differ where two probabilities are both 0
    return [(i, figure(float(probabilities[i]))) for i in named]
