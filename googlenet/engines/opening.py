"""An engine that is still opening, so that the first photograph can be decoded meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from googlenet.background import Background
from googlenet.engines import open_engine
from googlenet.weights.model_file import SealedModel


class OpeningEngine:
    """Opens the engine ``name`` in a thread; the first question waits for it, and raises what opening it raised."""

    def __init__(self, model: SealedModel, name: str = "onnxruntime") -> None:
        self._engine = Background(lambda: open_engine(model, name))

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """As ``Engine.logits``."""
        return self._engine.result().logits(images)

    def activations(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """As ``Engine.activations``."""
        return self._engine.result().activations(images, names)
