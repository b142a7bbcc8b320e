"""The other hand: what PyTorch makes of the same sealed model and the same picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from googlenet.data.preprocess import prepare
from googlenet.explorer.look import Looker
from googlenet.network.torch_net import GoogLeNet
from googlenet.weights.model_file import SealedModel


class Case:
    """A model, what the explorer saw through it, and PyTorch's activations of the same picture."""

    def __init__(self, model: SealedModel, picture: Path) -> None:
        self.model = model
        self.look: dict[str, Any] = Looker(model).look(picture)
        self.net = GoogLeNet(model.spec).eval()
        self.net.load_canonical(self.model.tensors)
        self.image = torch.from_numpy(prepare(picture, self.model.preprocessing)[None])
        self.values = self.run()

    def run(self, zeros: Mapping[str, Sequence[int]] | None = None) -> dict[str, np.ndarray]:
        """All activations, where the channels ``zeros`` of some layers give nothing."""
        hooks = [
            self.net.layers[layer].register_forward_hook(lambda _m, _i, out, c=list(channels): _zeroed(out, c))
            for layer, channels in (zeros or {}).items()
        ]
        with torch.inference_mode():
            found = {name: value[0].numpy() for name, value in self.net.activations(self.image).items()}
        for hook in hooks:
            hook.remove()
        return found


def _zeroed(out: torch.Tensor, channels: list[int]) -> torch.Tensor:
    out = out.clone()
    out[:, channels] = 0
    return out


def probabilities(logits: np.ndarray) -> np.ndarray:
    return torch.from_numpy(logits).double().softmax(0).numpy()
