"""A new classifier on frozen features: multinomial logistic regression, the first step of fine-tuning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from googlenet.data.batches import evaluation_batches
from googlenet.data.index import Dataset
from googlenet.data.preprocess import Preprocessing
from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import FEATURES, OUTPUTS
from googlenet.training.device import training_device
from googlenet.training.precision import ChosenPrecision

_PENALTY = 0.03  # on the squared weights, features scaled to unit deviation
_ITERATIONS = 60
_MOST_IMAGES = 20_000  # enough for 1024 features; a larger data set is sampled


def fit_head(
    net: GoogLeNet,
    dataset: Dataset,
    indices: np.ndarray[tuple[int], np.dtype[np.int64]],
    preprocessing: Preprocessing,
    precision: ChosenPrecision,
    *,
    batch_size: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> None:
    """Fit the main classifier to the features of the network as it is, on the images ``indices`` and their mirrors."""
    if len(indices) > _MOST_IMAGES:
        indices = np.random.default_rng(seed).choice(indices, _MOST_IMAGES, replace=False)
    features, labels = [], []
    done = 0
    for batch in evaluation_batches((dataset.path(int(i)) for i in indices), preprocessing, batch_size=batch_size):
        images = torch.from_numpy(batch.images).to(training_device(), memory_format=torch.channels_last)
        features += [_features(net, images, precision), _features(net, images.flip(3), precision)]
        labels += [torch.from_numpy(dataset.labels[indices[batch.indices]]).long()] * 2
        done += len(batch.indices)
        progress(done, len(indices))
    weight, bias = logistic_regression(torch.cat(features), torch.cat(labels), net.spec.classes)
    classifier = net.layers[OUTPUTS["main"]]
    with torch.no_grad():
        classifier.get_parameter("weight").copy_(weight)
        classifier.get_parameter("bias").copy_(bias)


def logistic_regression(features: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Weight (classes, features) and bias (classes,) of a penalised logistic regression, by L-BFGS.

    ``features``: (N, features) float32; ``labels``: (N,) int64.
    """
    centre, scale = features.mean(0), features.std(0).mean().clamp_min(1e-12)
    scaled = (features - centre) / scale  # one scale for all: the features keep their geometry
    weight = torch.zeros(classes, features.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=_ITERATIONS, history_size=10, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        fit = functional.cross_entropy(scaled @ weight.T + bias, labels)
        value = fit + _PENALTY * weight.square().sum() / 2
        torch.autograd.backward(value)
        return value

    solver.step(loss)  # type: ignore[no-untyped-call]
    unscaled = weight.detach() / scale
    return unscaled, bias.detach() - unscaled @ centre


@torch.no_grad()
def _features(net: GoogLeNet, images: Tensor, precision: ChosenPrecision) -> Tensor:
    net.eval()
    with precision.autocast(images.device):
        return net.activations(images, [FEATURES])[FEATURES].flatten(1).float().cpu()
