"""PyTorch as an engine: on the GPU where there is one, else on the processor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from googlenet.engines.answers import check_finite, check_images
from googlenet.errors import SettingsError
from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import OUTPUTS
from googlenet.weights.model_file import SealedModel


class TorchEngine:
    """One model on PyTorch."""

    def __init__(self, model: SealedModel, *, threads: int | None = None) -> None:
        """Open ``model``; ``threads`` are those of the whole process, as PyTorch has it."""
        if threads is not None and threads < 1:
            raise SettingsError(f"threads is {threads}; give 1 or more")
        if threads is not None:
            torch.set_num_threads(threads)
        self._model = model
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._net = GoogLeNet(model.spec).eval()
        self._net.load_canonical(model.tensors)
        self._net.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """As ``Engine.logits``."""
        return self.activations(images, [OUTPUTS["main"]])[OUTPUTS["main"]]

    def activations(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """As ``Engine.activations``."""
        check_images(self._model, images, names)
        batch = torch.from_numpy(images).to(self._device, memory_format=torch.channels_last)
        with torch.inference_mode():
            results = {name: value.cpu().numpy() for name, value in self._net.activations(batch, names).items()}
        check_finite(self._model, results)
        return results
