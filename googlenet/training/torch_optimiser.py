"""SGD with momentum or AdamW on PyTorch, what is trained, and the moving average of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from googlenet.network.torch_net import GoogLeNet
from googlenet.settings import TrainSettings


def make_optimiser(net: GoogLeNet, settings: TrainSettings) -> torch.optim.Optimizer:
    """SGD or AdamW over what is trained; weight decay on the weights of convolutions and linear layers alone."""
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim == 1], "weight_decay": 0.0},
    ]
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(settings.momentum, settings.adam_beta2))
    ahead = settings.nesterov and settings.momentum > 0
    return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum, nesterov=ahead)


def restore_optimiser(optimiser: torch.optim.Optimizer, state: Mapping[str, NDArray[Any]], prefix: str) -> None:
    """Give a new optimiser what another one remembered: arrays called ``prefix``, parameter's number, ``/``, name.

    In the memory layout of the parameters, so that the arithmetic goes on to the bit.
    """
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for name, array in state.items():
        if name.startswith(prefix):
            number, slot = name.removeprefix(prefix).split("/")
            parameter = parameters[int(number)]
            value = torch.from_numpy(array)
            same = value.shape == parameter.shape
            optimiser.state[parameter][slot] = torch.empty_like(parameter).copy_(value) if same else value.clone()


class WeightAverage:
    """A second network that holds the moving average of the first's weights and batch-norm statistics."""

    def __init__(self, net: GoogLeNet) -> None:
        self.net = GoogLeNet(net.spec).eval().requires_grad_(False)
        first = next(net.parameters())
        self.net.to(first.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._averages, self._values = _floats(self.net), _floats(net)

    @torch.no_grad()
    def update(self, share: float) -> None:
        """Take ``share`` (0–1) of what the network's weights are now."""
        torch._foreach_lerp_(self._averages, self._values, share)


def _floats(net: GoogLeNet) -> list[Tensor]:
    return [tensor.detach() for tensor in net.state_dict().values() if tensor.is_floating_point()]


def freeze(net: GoogLeNet, blocks: tuple[str, ...]) -> None:
    """Take the blocks (``conv1``, ``inception_3a`` …) out of training."""
    for name, module in net.layers.items():
        if name.split("/")[0] in blocks:
            nn.Module.requires_grad_(module, False)


def train_mode(net: GoogLeNet) -> None:
    """Training mode for all that is trained; a frozen layer keeps the batch-norm statistics that its weights know."""
    net.train()
    for module in net.layers.values():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()
