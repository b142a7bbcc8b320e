"""From a sealed model to logits, on whatever computes them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import MissingExtraError, SettingsError
from googlenet.weights.model_file import SealedModel

ENGINES = {
    "onnxruntime": ("googlenet.engines.onnxruntime_engine", "OnnxRuntimeEngine"),
    "openvino": ("googlenet.engines.openvino_engine", "OpenVinoEngine"),
    "torch": ("googlenet.engines.torch_engine", "TorchEngine"),
    "tensorflow": ("googlenet.engines.tensorflow_engine", "TensorFlowEngine"),
}
"""Name -> module and class, imported only when it is asked for: no framework drags another one in."""

PRECISIONS: dict[str, tuple[str, ...]] = dict.fromkeys(ENGINES, ("fp32",)) | {"openvino": ("fp32", "bf16")}
"""What each engine can compute a sealed model in. int8 needs images to calibrate on: that is ``googlenet export``."""


class Engine(Protocol):
    """A network ready to run. Images are float32 (batch, 3, height, width), prepared by the model's preprocessing."""

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the main head gives: (batch, classes), before the softmax."""

    def activations(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """What comes out of the layers ``names``: name -> (batch, channels, height, width) or (batch, features)."""


def open_engine(
    model: SealedModel, name: str = "onnxruntime", *, threads: int | None = None, precision: str = "fp32"
) -> Engine:
    """The engine of that name with the model loaded, on ``threads`` threads (None: one per usable core).

    Raises ``SettingsError`` when there is no such engine or it has not the ``precision``, ``MissingExtraError`` when
    its framework is not installed.
    """
    if name not in ENGINES:
        raise SettingsError(f"engine is {name!r}; known are: {', '.join(ENGINES)}")
    if precision not in PRECISIONS[name]:
        raise SettingsError(f"precision is {precision!r}, but {name} computes in {', '.join(PRECISIONS[name])}")
    module, engine = ENGINES[name]
    extra = {} if precision == "fp32" else {"precision": precision}
    try:
        opened: Engine = getattr(import_module(module), engine)(model, threads=threads, **extra)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MissingExtraError(name, name) from error
    return opened
