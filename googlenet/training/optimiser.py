"""SGD with Nesterov momentum or AdamW, warm-up and cosine, and the moving average of the weights that gets saved."""

from __future__ import annotations

from math import cos, pi
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from googlenet.network.torch_net import GoogLeNet
from googlenet.settings import TrainSettings

Tensors: TypeAlias = tuple[Tensor, ...] | list[Tensor]


def make_optimiser(net: GoogLeNet, settings: TrainSettings) -> torch.optim.Optimizer:
    """SGD or AdamW over what is trained; weight decay on the weights of convolutions and linear layers alone."""
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim == 1], "weight_decay": 0.0},
    ]
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(settings.momentum, 0.99))
    return torch.optim.SGD(
        groups, lr=settings.learning_rate, momentum=settings.momentum, nesterov=settings.momentum > 0
    )


def learning_rate(settings: TrainSettings, progress: float) -> float:
    """The rate when the fraction ``progress`` (0–1) of the training is done: a linear warm-up, then half a cosine."""
    if progress < settings.warmup:
        return settings.learning_rate * max(progress / settings.warmup, 0.01)
    done = (progress - settings.warmup) / (1 - settings.warmup)
    return settings.learning_rate * 0.5 * (1 + cos(pi * min(done, 1.0)))


def weight_average(net: GoogLeNet, decay: float) -> AveragedModel:
    """An exponential moving average of weights and batch-norm statistics, young at first so that it does not lag."""

    def update(averages: Tensors, values: Tensors, count: Tensor | int) -> None:
        if not averages[0].is_floating_point():
            torch._foreach_copy_(averages, values)
            return
        steps = int(count)
        torch._foreach_lerp_(averages, values, 1 - min(decay, (1 + steps) / (10 + steps)))

    return AveragedModel(net, multi_avg_fn=update, use_buffers=True)


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
