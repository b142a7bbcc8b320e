"""A look into a PyTorch network; nothing that training goes on with is changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import sqrt

import torch
from torch import Tensor

from googlenet import layers
from googlenet.network.torch_net import GoogLeNet
from googlenet.training.vitals import Broken, Vitals, block


@torch.no_grad()
def look(net: GoogLeNet, images: Tensor) -> Vitals:
    """The vitals for prepared images (N, 3, height, width); leaves the network in evaluation mode.

    What is silent is told with these images' own statistics where batch norm trains: the running ones lag behind the
    weights, and where they lag most a channel may look silent that is not.
    """
    net.eval()  # no dropout is drawn, batch norm's running statistics are read and not written
    broken = _broken(net.activations(images))
    with _own_statistics(net):
        silent = _silent(net, net.activations(images))
    gradients: dict[str, float] = defaultdict(float)
    weights: dict[str, float] = defaultdict(float)
    for name, module in net.layers.items():
        for parameter in module.parameters():
            if parameter.requires_grad and parameter.ndim > 1:
                weights[block(name)] += parameter.square().sum().item()
                gradients[block(name)] += 0.0 if parameter.grad is None else parameter.grad.square().sum().item()
    return Vitals(silent, _roots(gradients), _roots(weights), broken)


@contextmanager
def _own_statistics(net: GoogLeNet) -> Iterator[None]:
    """Batch norm that trains takes the statistics of the images at hand, and remembers none of them."""
    norms = [
        module
        for module in net.modules()
        if isinstance(module, torch.nn.BatchNorm2d) and all(p.requires_grad for p in module.parameters())
    ]
    for norm in norms:
        norm.train()
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.eval()
            norm.track_running_stats = True


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
