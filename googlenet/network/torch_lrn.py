"""Local response norm for PyTorch on a CPU, forward and backward, image by image so that the work stays in the cache.

``torch.nn.functional.local_response_norm`` costs as much at 56x56 as all the rest of GoogLeNet. Here the sum over
neighbouring channels is built from shifted adds over channels-last memory, one image at a time (figures in
docs/benchmarks.md). Any size and beta are right; 5 and 0.75 are fast.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from googlenet.layers import LocalResponseNorm


class _Window:
    """Sums over ``size`` neighbouring channels of rows (pixels, channels); the buffers are reused for each image."""

    def __init__(self, pixels: int, channels: int, size: int) -> None:
        self.channels, self.size = channels, size
        before = (size - 1) // 2
        width = channels + size - 1
        self.padded = torch.zeros(pixels, width)
        self.inner = self.padded[:, before : before + channels]  # write the rows here
        self.sums = torch.zeros(pixels, width)
        self.pairs = torch.zeros(pixels, width)

    def sum(self) -> Tensor:
        """The sums of what stands in ``inner``: (pixels, channels), valid until the next call."""
        # All rows as one vector: a shift then crosses from row to row only where the result is thrown away.
        values, sums = self.padded.view(-1), self.sums.view(-1)
        length = values.numel() - self.size + 1
        if self.size == 5:  # two pairs and one: three additions instead of four
            pairs = self.pairs.view(-1)
            torch.add(values[:-1], values[1:], out=pairs[:-1])
            torch.add(pairs[:length], pairs[2 : length + 2], out=sums[:length])
            sums[:length].add_(values[4:])
        else:
            sums[:length].copy_(values[:length])
            for shift in range(1, self.size):
                sums[:length].add_(values[shift : shift + length])
        return self.sums[:, : self.channels]


class _LRN(torch.autograd.Function):
    """y = x · s^-beta with s = k + alpha/size · window sum of x²; dx = g s^-beta - 2 alpha/size beta x · window sum of
    g x s^(-beta-1), the window of the backward pass mirrored.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: LocalResponseNorm) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        y = torch.empty_like(x)
        window = _Window(x.shape[2] * x.shape[3], x.shape[1], layer.size)
        for image, result in zip(_rows(x), _rows(y), strict=True):
            power = _power(_scale(image, window, layer), layer.beta)
            result.copy_(power.mul_(image))
        ctx.save_for_backward(x)
        ctx.layer = layer
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,), layer = ctx.saved_tensors, ctx.layer
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        dx = torch.empty_like(x)
        pixels, channels = x.shape[2] * x.shape[3], x.shape[1]
        squares, products = _Window(pixels, channels, layer.size), _Window(pixels, channels, layer.size)
        for image, incoming, result in zip(_rows(x), _rows(gradient), _rows(dx), strict=True):
            image = image.float()
            scale = _scale(image, squares, layer)
            direct = _power(scale, layer.beta).mul_(incoming)
            torch.div(direct, scale, out=products.inner).mul_(image)
            through = products.sum().mul(image)
            result.copy_(direct.add_(through, alpha=-2 * layer.beta * layer.alpha / layer.size))
        return dx, None


def local_response_norm(x: Tensor, layer: LocalResponseNorm) -> Tensor:
    """x / (k + alpha / size · window sum of x²) ** beta over (batch, channels, height, width); sums in float32.

    An odd ``size`` only, as the paper's 5.
    """
    if x.device.type != "cpu" or x.dtype == torch.float64 or torch.compiler.is_exporting():
        return torch.nn.functional.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k)
    with torch.autocast("cpu", enabled=False):
        result: Tensor = _LRN.apply(x, layer)
        return result


def _rows(x: Tensor) -> Tensor:
    """(batch, pixels, channels), a view of channels-last memory."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _scale(image: Tensor, window: _Window, layer: LocalResponseNorm) -> Tensor:
    torch.mul(image, image, out=window.inner) if image.dtype == torch.float32 else window.inner.copy_(image).square_()
    return window.sum().mul(layer.alpha / layer.size).add_(layer.k)


def _power(scale: Tensor, beta: float) -> Tensor:
    """scale ** -beta; two square roots are much cheaper than a power."""
    if beta == 0.75:
        root = scale.rsqrt()
        return root.sqrt().mul_(root)
    return scale.pow(-beta)
