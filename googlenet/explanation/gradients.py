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

TOLERANCE = 0.01
"""Integrated gradients: the completeness error allowed, of the score's change from the empty picture (at least 1)."""

_FIRST_STEPS, _MOST_STEPS = 16, 512
_BATCH = 8  # pictures with all that their gradients need: 0.6 GB at 224 px


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

    The path leads from the empty picture, input 0 (the mean colour), straight to ``image``. The trapezoid rule's
    steps, 16 at first, are doubled until the maps add up to within ``TOLERANCE``, or 512 are taken: then the maps say
    so by their ``error``.
    """
    end = torch.from_numpy(image).to(_device(net))
    weights = _weights(net, targets)
    with torch.inference_mode():
        start_scores, scores = (net(torch.stack([torch.zeros_like(end), end])).main @ weights.T).double().cpu().numpy()
    allowed = TOLERANCE * np.maximum(np.abs(scores - start_scores), 1)

    def gradients(points: NDArray[np.float64]) -> Tensor:
        return _gradient_sum(net, end, torch.from_numpy(points).float().to(end), weights)

    steps = _FIRST_STEPS
    ends, inner = gradients(np.array([0.0, 1.0])), gradients(np.arange(1, steps) / steps)
    while True:
        values = ((ends / 2 + inner) / steps * end).sum(1).cpu().numpy().astype(np.float32)
        maps = [Map(*row) for row in zip(values, scores.tolist(), start_scores.tolist(), strict=True)]
        if steps >= _MOST_STEPS or all((part.error or 0) <= most for part, most in zip(maps, allowed, strict=True)):
            return maps, steps
        progress(steps, _MOST_STEPS)
        inner += gradients((np.arange(steps) + 0.5) / steps)
        steps *= 2


def _gradient_sum(net: GoogLeNet, end: Tensor, points: Tensor, weights: Tensor) -> Tensor:
    """The gradients of each score with respect to the picture, added up over the path: (scores, 3, height, width)."""
    total = torch.zeros(len(weights), *end.shape, dtype=torch.float64, device=end.device)
    for some in torch.split(points, _BATCH):
        batch = (some[:, None, None, None] * end).requires_grad_()
        scores = (net(batch).main @ weights.T).sum(0)
        for i, score in enumerate(scores):
            total[i] += torch.autograd.grad(score, batch, retain_graph=i + 1 < len(scores))[0].double().sum(0)
    return total


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
