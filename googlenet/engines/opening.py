"""An engine that is still opening, so that the first photograph can be decoded meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from googlenet.background import Background
from googlenet.engines import Engine


class OpeningEngine:
    """Calls ``open`` in a thread; the first question waits for the engine, and raises what opening it raised."""

    def __init__(self, open: Callable[[], Engine]) -> None:
        self._engine = Background(open)

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """As ``Engine.logits``."""
        return self._engine.result().logits(images)

    def activations(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """As ``Engine.activations``."""
        return self._engine.result().activations(images, names)
