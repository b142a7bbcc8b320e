"""PyTorch's answer, and what it would be without rounding: all once more in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from googlenet.network.torch_net import GoogLeNet, torch_name
from googlenet.twins.job import AUX_WEIGHT, Answer, Job


def answer(job: Job, progress: Callable[[int, int], None]) -> dict[str, Answer]:
    """``torch``, in float32, and ``float64``: what PyTorch would say without rounding."""
    total = 2 * job.steps
    return {
        "torch": _answer(job, torch.float32, lambda done: progress(done, total)),
        "float64": _answer(job, torch.float64, lambda done: progress(job.steps + done, total)),
    }


def versions() -> dict[str, str]:
    """What computed it."""
    return {"torch": torch.__version__}


def _answer(job: Job, dtype: torch.dtype, progress: Callable[[int], None]) -> Answer:
    net = GoogLeNet(job.model.spec)
    net.load_canonical(job.model.tensors)
    net.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.no_grad():
        found = net.eval().activations(torch.from_numpy(job.probes).to(dtype))
    activations = {name: value.numpy() for name, value in found.items()}
    losses: list[float] = []
    gradients: dict[str, NDArray[np.floating]] = {}
    for step in range(job.steps):
        losses.append(_backward(job, net, step))
        gradients = gradients or {name: _gradient(net, name).numpy().copy() for name in net.spec.parameters}
        _descend(job, net)
        progress(step + 1)
    return Answer(activations, gradients, np.array(losses), net.canonical())


def _backward(job: Job, net: GoogLeNet, step: int) -> float:
    """The loss of a batch, its gradients left in the parameters."""
    images, labels = (torch.from_numpy(part) for part in job.batch(step))
    net.train().zero_grad(set_to_none=True)
    images = images.to(next(net.parameters()).dtype).contiguous(memory_format=torch.channels_last)
    logits = net(images)
    heads = [(logits.main, 1.0), (logits.aux1, AUX_WEIGHT), (logits.aux2, AUX_WEIGHT)]
    losses = [functional.cross_entropy(value, labels) * weight for value, weight in heads if value is not None]
    loss = torch.stack(losses).sum()
    torch.autograd.backward(loss)
    return loss.item()


@torch.no_grad()
def _descend(job: Job, net: GoogLeNet) -> None:
    for name in net.spec.parameters:
        net.get_parameter(torch_name(name)).sub_(_gradient(net, name), alpha=job.rate)


def _gradient(net: GoogLeNet, name: str) -> Tensor:
    gradient = net.get_parameter(torch_name(name)).grad
    assert gradient is not None  # every parameter leads to a head
    return gradient
