"""A look into a PyTorch network; nothing that training goes on with is changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import sqrt

import torch
from torch import Tensor

from googlenet import layers
from googlenet.network.torch_net import GoogLeNet
from googlenet.training.vitals import Broken, Vitals, block


@torch.no_grad()
def look(net: GoogLeNet, images: Tensor) -> Vitals:
    """The vitals for prepared images (N, 3, height, width); leaves the network in evaluation mode."""
    net.eval()  # no dropout is drawn, batch norm's statistics are read and not written
    outputs = net.activations(images)
    gradients: dict[str, float] = defaultdict(float)
    weights: dict[str, float] = defaultdict(float)
    for name, module in net.layers.items():
        for parameter in module.parameters():
            if parameter.requires_grad and parameter.ndim > 1:
                weights[block(name)] += parameter.square().sum().item()
                gradients[block(name)] += 0.0 if parameter.grad is None else parameter.grad.square().sum().item()
    return Vitals(_silent(net, outputs), _roots(gradients), _roots(weights), _broken(outputs))


def _silent(net: GoogLeNet, outputs: Mapping[str, Tensor]) -> dict[str, float]:
    names = [layer.name for layer in net.spec.layers if isinstance(layer, (layers.Conv, layers.Linear)) and layer.relu]
    return {name: (outputs[name].transpose(0, 1).flatten(1).amax(1) <= 0).float().mean().item() for name in names}


def _broken(outputs: Mapping[str, Tensor]) -> Broken | None:
    for name, values in outputs.items():
        sums = values.float().flatten(1).abs().amax(1)  # NaN wins over every number
        if not bool(sums.isfinite().all()):
            return Broken(name, tuple(int(row) for row in (~sums.isfinite()).nonzero()[:, 0]))
    return None


def _roots(squares: Mapping[str, float]) -> dict[str, float]:
    return {name: sqrt(value) for name, value in squares.items()}
