"""Which arithmetic to train in: bf16 where the device has it and a self-test agrees with float32, else float32."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from googlenet.network.torch_net import GoogLeNet
from googlenet.settings import Precision
from googlenet.spec import Spec

# bf16 keeps 8 bits, an error of 0.4 % per operation; a broken kernel is off by far more than this.
_TOLERANCE = 0.1


@dataclass(frozen=True)
class ChosenPrecision:
    """The arithmetic of a run and the reason in words."""

    dtype: torch.dtype
    reason: str

    @property
    def name(self) -> str:
        """``bf16`` or ``fp32``."""
        return "bf16" if self.dtype == torch.bfloat16 else "fp32"

    def autocast(self, device: torch.device) -> torch.autocast:
        """The context to compute in."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)


def choose_precision(wish: Precision, spec: Spec, device: torch.device) -> ChosenPrecision:
    """Settle ``auto`` for this machine; an explicit wish is granted without a test."""
    if wish != "auto":
        return ChosenPrecision(torch.bfloat16 if wish == "bf16" else torch.float32, "as asked")
    if not _has_bf16(device):
        return ChosenPrecision(torch.float32, f"this {device.type} has no bf16 arithmetic")
    difference = bf16_difference(spec, device)
    if difference <= _TOLERANCE:
        return ChosenPrecision(torch.bfloat16, f"self-test: gradients differ from fp32 by {difference:.1%}")
    return ChosenPrecision(torch.float32, f"bf16 failed its self-test: gradients differ from fp32 by {difference:.1%}")


def bf16_difference(spec: Spec, device: torch.device) -> float:
    """Relative difference of a small network's gradients between bf16 and float32; infinite where they are not finite.

    Leaves torch's random numbers as they were.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = GoogLeNet(spec.without_heads().scaled(1 / 4)).eval().to(device)
        images = torch.randn(4, 3, 96, 96).to(device, memory_format=torch.channels_last)
        labels = torch.zeros(4, dtype=torch.long, device=device)
        gradients = []
        for enabled in (False, True):
            net.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
                logits = net(images).main
            torch.autograd.backward(torch.nn.functional.cross_entropy(logits.float(), labels))
            gradients.append(torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None]))
    difference = ((gradients[1] - gradients[0]).norm() / gradients[0].norm()).item()
    return difference if difference == difference else float("inf")


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False
