"""Explanations by gradients, on PyTorch: at any layer, and at the pixels.

``image`` is one prepared picture, (3, height, width); ``targets`` are (scores, classes), how much each logit counts in
each score, as ``answer_targets`` gives them. One map comes back per score.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from googlenet.explanation.maps import Map
from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import OUTPUTS
from googlenet.weights.model_file import SealedModel

TOLERANCE = 0.02
"""Integrated gradients: the completeness error allowed, of the score's change from the empty picture (at least 1)."""

_FIRST_STEPS, _MOST_STEPS = 8, 256
_BATCH = 8  # pictures with all that their gradients need: 1 GB at 224 px


def open_net(model: SealedModel) -> GoogLeNet:
    """The main path of the network, ready for gradients with respect to pictures and layers."""
    net = GoogLeNet(model.spec.without_heads()).eval().requires_grad_(False)
    net.load_canonical(model.tensors)
    return net.to("cuda" if torch.cuda.is_available() else "cpu")


def grad_cam(net: GoogLeNet, image: NDArray[np.float32], layer: str, targets: NDArray[np.float64]) -> list[Map]:
    """Grad-CAM (Selvaraju et al., ICCV 2017): relu(sum_k mean_yx(gradient_k) * feature_k).

    Of the last module's output it is the class activation map, less what speaks against the score.
    """
    features, gradients, scores = _at_layer(net, image, layer, targets)
    return _maps((gradients.mean((2, 3), keepdim=True) * features).sum(1).relu(), scores)


def layer_cam(net: GoogLeNet, image: NDArray[np.float32], layer: str, targets: NDArray[np.float64]) -> list[Map]:
    """Layer-CAM (Jiang et al., IEEE TIP 2021): relu(sum_k relu(gradient_k) * feature_k), each place weighed by itself,
    which keeps finer layers readable."""
    features, gradients, scores = _at_layer(net, image, layer, targets)
    return _maps((gradients.relu() * features).sum(1).relu(), scores)


def integrated_gradients(
    net: GoogLeNet,
    image: NDArray[np.float32],
    targets: NDArray[np.float64],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Map], int]:
    """Integrated gradients (Sundararajan et al., ICML 2017), summed over the colours, and the number of steps taken.

    The path leads from the empty picture, input 0 (the mean colour), straight to ``image``: 8 steps of the trapezoid
    rule at first. How far each step misses the score's own change is known, so the steps that miss most are halved,
    until the maps add up to within ``TOLERANCE`` or 256 steps are taken: then the maps say so by their ``error``.
    """
    end, weights = torch.from_numpy(image).to(_device(net)), _weights(net, targets)
    points = np.linspace(0, 1, _FIRST_STEPS + 1)
    rates, scores = _along_path(net, end, points, weights)
    allowed = TOLERANCE * np.maximum(np.abs(scores[-1] - scores[0]), 1)
    while True:
        slopes, widths = rates.sum((2, 3), dtype=np.float64), np.diff(points)
        misses = (slopes[1:] + slopes[:-1]) / 2 * widths[:, None] - np.diff(scores, axis=0)
        if (np.abs(misses.sum(0)) <= allowed).all() or len(widths) >= _MOST_STEPS:
            break
        progress(len(widths), _MOST_STEPS)
        worst = np.sort(np.argsort(-(np.abs(misses) / allowed).max(1))[:_BATCH])
        middles = (points[worst] + points[worst + 1]) / 2
        new_rates, new_scores = _along_path(net, end, middles, weights)
        points = np.insert(points, worst + 1, middles)
        rates = np.insert(rates, worst + 1, new_rates, axis=0)
        scores = np.insert(scores, worst + 1, new_scores, axis=0)
    parts = (np.append(widths, 0) + np.append(0, widths)) / 2
    values = np.tensordot(parts, rates, 1).astype(np.float32)
    return [Map(*row) for row in zip(values, scores[-1].tolist(), scores[0].tolist(), strict=True)], len(widths)


def _along_path(
    net: GoogLeNet, end: Tensor, points: NDArray[np.float64], weights: Tensor
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """At points 0 to 1 of the way to ``end``: each pixel's part in how fast each score grows, (points, scores, height,
    width), and the scores, (points, scores)."""
    rates: list[Tensor] = []
    scores: list[Tensor] = []
    for some in torch.split(torch.from_numpy(points).float().to(end), _BATCH):
        batch = (some[:, None, None, None] * end).requires_grad_()
        found = net(batch).main @ weights.T
        gradients = [torch.autograd.grad(score, batch, retain_graph=True)[0] for score in found.sum(0)]
        rates.append(torch.stack([(gradient * end).sum(1) for gradient in gradients], 1))
        scores.append(found.detach())
    return torch.cat(rates).cpu().numpy(), torch.cat(scores).double().cpu().numpy()


def _at_layer(
    net: GoogLeNet, image: NDArray[np.float32], layer: str, targets: NDArray[np.float64]
) -> tuple[Tensor, Tensor, Tensor]:
    """What comes out of ``layer`` (channels, rows, columns), each score's gradients there, and the scores."""
    batch = torch.from_numpy(image).to(_device(net))[None].requires_grad_()
    found = net.activations(batch, [layer, OUTPUTS["main"]])
    scores = (found[OUTPUTS["main"]] @ _weights(net, targets).T)[0]
    gradients = [torch.autograd.grad(score, found[layer], retain_graph=True)[0][0] for score in scores]
    return found[layer][0].detach(), torch.stack(gradients), scores.detach()


def _maps(values: Tensor, scores: Tensor) -> list[Map]:
    return [Map(part.cpu().numpy(), float(score)) for part, score in zip(values, scores, strict=True)]


def _weights(net: GoogLeNet, targets: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(targets).float().to(_device(net))


def _device(net: GoogLeNet) -> torch.device:
    return next(net.parameters()).device
