"""Where PyTorch trains, and how a batch of pixels gets there."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from googlenet.data.preprocess import Preprocessing


def training_device() -> torch.device:
    """The GPU where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_in_words(device: torch.device) -> str:
    """``cpu``, or the name of the GPU."""
    return f"GPU {torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type


class Normaliser:
    """uint8 pixels (N, H, W, 3), RGB -> the network's input (N, 3, H, W), float32 in channels-last memory."""

    def __init__(self, preprocessing: Preprocessing, device: torch.device) -> None:
        order = [0, 1, 2] if preprocessing.channel_order == "RGB" else [2, 1, 0]
        # In the order of the pixels, which are RGB: the channels are turned around after the arithmetic.
        self.mean = torch.tensor(preprocessing.mean, device=device)[order]
        self.scale = torch.tensor(preprocessing.scale, device=device)[order]
        self.flip = preprocessing.channel_order == "BGR"
        self.device = device

    def __call__(self, pixels: NDArray[np.uint8]) -> Tensor:
        images = torch.from_numpy(pixels).to(self.device, non_blocking=True)
        images = (images - self.mean) * self.scale
        if self.flip:
            images = images.flip(-1)
        return images.permute(0, 3, 1, 2)
