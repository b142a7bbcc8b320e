"""A tiny network trained to depend on one thing: whether a checkered patch lies anywhere in the noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from googlenet.data.classes import ClassName
from googlenet.data.preprocess import Preprocessing
from googlenet.network.torch_net import GoogLeNet
from googlenet.variants import batch_norm
from googlenet.weights.model_file import SealedModel

SIDE, PATCH = 128, 16
CLASSES = (ClassName("plain", "plain"), ClassName("patch", "patch"))


def noise(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Coarse and fine noise, (SIDE, SIDE, 3)."""
    coarse = rng.integers(60, 160, (SIDE // 16, SIDE // 16, 3)).repeat(16, 0).repeat(16, 1)
    return np.clip(coarse + rng.integers(-40, 40, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def plant(pixels: NDArray[np.uint8], top: int, left: int) -> None:
    """Lay the patch, a black and white checkerboard, on the picture."""
    board = (np.indices((PATCH, PATCH)) // 4).sum(0) % 2 * 255
    pixels[top : top + PATCH, left : left + PATCH] = board[..., None]


def train(steps: int = 40, batch: int = 32) -> SealedModel:
    """The stem and the first module alone, whose places see too little of the picture to blur it: some 8 s."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    preprocessing = Preprocessing(resize="none", crop_size=SIDE)
    spec = batch_norm(2, aux_heads=False).scaled(1 / 8)
    net = GoogLeNet(replace(spec, modules=spec.modules[:1]))
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps)
    for _ in range(steps):
        pictures = np.stack([noise(rng) for _ in range(batch)])
        for i in range(0, batch, 2):
            plant(pictures[i], *rng.integers(0, SIDE - PATCH, 2))
        images = torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()).float() / 127.5 - 1
        loss = functional.cross_entropy(net(images).main, 1 - torch.arange(batch) % 2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return SealedModel(net.spec, CLASSES, preprocessing, net.eval().canonical(), {})
