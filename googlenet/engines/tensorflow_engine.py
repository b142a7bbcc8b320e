"""TensorFlow as an engine, through Keras, which may also run on the backend that ``KERAS_BACKEND`` names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.engines.answers import check_finite, check_images
from googlenet.errors import SettingsError
from googlenet.network.keras_net import activation_model, build, load_canonical
from googlenet.spec import OUTPUTS, Spec
from googlenet.weights.model_file import SealedModel


class TensorFlowEngine:
    """One model on Keras, built anew for each size of images and each choice of layers that is asked for."""

    def __init__(self, model: SealedModel, *, threads: int | None = None) -> None:
        """Open ``model``. Raises ``SettingsError`` for ``threads``, which TensorFlow takes from the environment."""
        if threads is not None:
            raise SettingsError(
                f"threads is {threads}, but the engine tensorflow takes none; set TF_NUM_INTRAOP_THREADS instead"
            )
        self._model = model
        self._main = model.spec.without_heads()
        self._functions: dict[tuple[int | None, tuple[str, ...]], Any] = {}
        size = model.preprocessing.crop_size
        self._function(self._main, size, (OUTPUTS["main"],))

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """As ``Engine.logits``."""
        name = OUTPUTS["main"]
        return self.activations(images, (name,))[name]

    def activations(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """As ``Engine.activations``."""
        check_images(self._model, images, names)
        main_names = {layer.name for layer in self._main.layers}
        spec = self._main if main_names.issuperset(names) else self._model.spec
        height, width = images.shape[2:]
        function = self._function(spec, height if height == width else None, tuple(names))
        found = function.predict_on_batch(np.ascontiguousarray(images.transpose(0, 2, 3, 1)))
        results = {name: _channels_first(np.asarray(value)) for name, value in found.items()}
        check_finite(self._model, results)
        return results

    def _function(self, spec: Spec, size: int | None, names: tuple[str, ...]) -> Any:
        if (size, names) not in self._functions:
            net = build(spec, input_size=size, dtype="float32")
            load_canonical(net, spec, self._model.tensors)
            self._functions[size, names] = activation_model(net, names)
        return self._functions[size, names]


def _channels_first(value: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(value.transpose(0, 3, 1, 2)) if value.ndim == 4 else value
