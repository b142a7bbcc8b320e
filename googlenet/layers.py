"""The kinds of layer a GoogLeNet is made of, and their arithmetic: output shape, parameters, multiply-accumulates.

Standard library only. A layer says what it is, never how a framework computes it; each network builder has one small
function per kind. Shapes are ``(channels, height, width)`` without the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias

from googlenet.errors import SpecError

Shape: TypeAlias = tuple[int, int, int]

Padding: TypeAlias = Literal["valid", "half", "ceil", "same"]
"""How a sliding window meets the border.

``valid``: no padding. ``half``: kernel // 2 on every side. ``ceil``: none, but the last window may reach past the
right and lower edge (Caffe's pooling). ``same``: TensorFlow's rule, ceil(size / stride) windows, the odd pixel of
padding on the right and below.
"""


def window_count(size: int, kernel: int, stride: int, padding: Padding) -> int:
    """The number of window positions along an axis of ``size`` pixels."""
    match padding:
        case "valid":
            return (size - kernel) // stride + 1
        case "half":
            return (size + 2 * (kernel // 2) - kernel) // stride + 1
        case "ceil":
            return -((kernel - size) // stride) + 1
        case "same":
            return -(-size // stride)


def border(size: int, kernel: int, stride: int, padding: Padding) -> tuple[int, int]:
    """The pixels of padding (before, after) along an axis of ``size`` pixels."""
    match padding:
        case "valid":
            return 0, 0
        case "half":
            return kernel // 2, kernel // 2
    missing = max(0, (window_count(size, kernel, stride, padding) - 1) * stride + kernel - size)
    return (0, missing) if padding == "ceil" else (missing // 2, missing - missing // 2)


@dataclass(frozen=True, kw_only=True)
class BatchNorm:
    """Batch normalisation after a convolution. ``momentum`` is the weight of the new batch (PyTorch's meaning)."""

    eps: float = 1e-3
    momentum: float = 0.1
    scale: bool = True  # False: no gamma, as in TF-slim


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What every layer has: Caffe's name for it, and the names of the layers that it reads."""

    name: str
    inputs: tuple[str, ...]

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape that comes out for the shapes that go in."""
        return inputs[0]

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Canonical names of the trainable tensors, with their shapes."""
        return {}

    def statistics(self) -> dict[str, tuple[int, ...]]:
        """Canonical names of the tensors that are measured, not trained (batch norm's), with their shapes."""
        return {}

    def macs(self, output: Shape) -> int:
        """Multiply-accumulates for one image; poolings, norms and activations count nothing, as in the paper."""
        return 0


@dataclass(frozen=True, kw_only=True)
class Conv(Layer):
    """Convolution, then batch norm where there is one, then ReLU."""

    in_channels: int
    out_channels: int
    kernel: int
    stride: int = 1
    padding: Padding = "half"
    bias: bool = True
    norm: BatchNorm | None = None
    relu: bool = True

    def output_shape(self, *inputs: Shape) -> Shape:
        return _slide(self.name, inputs[0], self.out_channels, self.kernel, self.stride, self.padding)

    def parameters(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {
            f"{self.name}/weight": (self.out_channels, self.in_channels, self.kernel, self.kernel)
        }
        if self.bias:
            shapes[f"{self.name}/bias"] = (self.out_channels,)
        if self.norm is not None:
            if self.norm.scale:
                shapes[f"{self.name}/norm/gamma"] = (self.out_channels,)
            shapes[f"{self.name}/norm/beta"] = (self.out_channels,)
        return shapes

    def statistics(self) -> dict[str, tuple[int, ...]]:
        if self.norm is None:
            return {}
        return {f"{self.name}/norm/mean": (self.out_channels,), f"{self.name}/norm/variance": (self.out_channels,)}

    def macs(self, output: Shape) -> int:
        return prod(output) * self.in_channels * self.kernel**2


@dataclass(frozen=True, kw_only=True)
class Linear(Layer):
    """Flatten (channels, height, width), multiply, add the bias, then ReLU where asked."""

    in_features: int
    out_features: int
    relu: bool = False

    def output_shape(self, *inputs: Shape) -> Shape:
        if prod(inputs[0]) != self.in_features:
            raise SpecError(
                f"layer {self.name} takes {self.in_features} features but a map of "
                f"{'x'.join(map(str, inputs[0]))} reaches it: this variant's auxiliary heads need 224 px; "
                "use that input size, drop the heads, or take the variant batch_norm"
            )
        return self.out_features, 1, 1

    def parameters(self) -> dict[str, tuple[int, ...]]:
        return {f"{self.name}/weight": (self.out_features, self.in_features), f"{self.name}/bias": (self.out_features,)}

    def macs(self, output: Shape) -> int:
        return self.in_features * self.out_features


@dataclass(frozen=True, kw_only=True)
class MaxPool(Layer):
    """The maximum of each window; what lies past the border never counts."""

    kernel: int
    stride: int
    padding: Padding

    def output_shape(self, *inputs: Shape) -> Shape:
        return _slide(self.name, inputs[0], inputs[0][0], self.kernel, self.stride, self.padding)


@dataclass(frozen=True, kw_only=True)
class AvgPool(Layer):
    """The mean of each window that lies wholly inside the map."""

    kernel: int
    stride: int

    def output_shape(self, *inputs: Shape) -> Shape:
        return _slide(self.name, inputs[0], inputs[0][0], self.kernel, self.stride, "valid")


@dataclass(frozen=True, kw_only=True)
class AdaptiveAvgPool(Layer):
    """The mean of ``size`` x ``size`` windows that cover the map: window i spans floor(i·n/size) to ceil((i+1)·n/size).

    With size 1 this is the pooling before the classifier: 7x7 at 224 px, the whole map at any other size.
    """

    size: int

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0][0], self.size, self.size


@dataclass(frozen=True, kw_only=True)
class LocalResponseNorm(Layer):
    """x / (k + alpha / size · sum of squares over ``size`` neighbouring channels) ** beta: Caffe's definition.

    TensorFlow's does not divide alpha by the size.
    """

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Concat(Layer):
    """The inputs one after the other along the channels."""

    def output_shape(self, *inputs: Shape) -> Shape:
        return sum(shape[0] for shape in inputs), *inputs[0][1:]


@dataclass(frozen=True, kw_only=True)
class Dropout(Layer):
    """In training each value is zeroed with probability ``rate`` and the rest scaled by 1 / (1 - rate)."""

    rate: float


@dataclass(frozen=True, kw_only=True)
class Affine(Layer):
    """A fixed x · scale + shift per input channel: torchvision's ``transform_input``. Nothing in it is trained."""

    scale: tuple[float, ...]
    shift: tuple[float, ...]


def _slide(name: str, shape: Shape, channels: int, kernel: int, stride: int, padding: Padding) -> Shape:
    height, width = (window_count(size, kernel, stride, padding) for size in shape[1:])
    if height < 1 or width < 1:
        raise SpecError(
            f"layer {name} has a {kernel}x{kernel} window but a map of {shape[1]}x{shape[2]} reaches it: "
            "the input is too small for this network; use a larger one, 224 px being the paper's"
        )
    return channels, height, width
