"""PyTorch's arithmetic: what the device has, and the self-test's gradients."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from googlenet.network.torch_net import GoogLeNet
from googlenet.settings import Precision
from googlenet.spec import Spec
from googlenet.training.precision import Arithmetic, ChosenPrecision, Probe, choose_precision


def torch_precision(wish: Precision, spec: Spec, device: torch.device) -> ChosenPrecision:
    """The arithmetic to train in on ``device``."""

    def gradients(probe: Probe, arithmetic: Arithmetic) -> NDArray[np.float32]:
        return probe_gradients(probe, arithmetic, device)

    lacking = None if _has_bf16(device) else f"this {device.type} has no bf16 arithmetic"
    return choose_precision(wish, spec, gradients, lacking=lacking)


def autocast(arithmetic: Arithmetic, device: torch.device) -> torch.autocast:
    """The context to compute in."""
    return torch.autocast(device.type, torch.bfloat16, enabled=arithmetic == "bf16")


def probe_gradients(probe: Probe, arithmetic: Arithmetic, device: torch.device) -> NDArray[np.float32]:
    """Every gradient of the probe's loss, as one vector."""
    net = GoogLeNet(probe.spec).eval()
    net.load_canonical(probe.tensors)
    net.to(device)
    images = torch.from_numpy(probe.images).to(device, memory_format=torch.channels_last)
    with autocast(arithmetic, device):
        logits = net(images).main
    loss = torch.nn.functional.cross_entropy(logits.float(), torch.from_numpy(probe.labels).to(device))
    torch.autograd.backward(loss)
    found = torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])
    return found.float().cpu().numpy()


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False
