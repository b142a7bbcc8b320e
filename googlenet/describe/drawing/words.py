"""How a layer is called in a drawing, and in which tone it is drawn."""

from __future__ import annotations

from googlenet.layers import AdaptiveAvgPool, AvgPool, Conv, Dropout, Layer, Linear, LocalResponseNorm, MaxPool, Shape


def tone(layer: Layer) -> str:
    """Convolutions by their kernel, the reductions apart from the other 1×1."""
    match layer:
        case Conv(kernel=kernel):
            if layer.name.endswith(("_reduce", "_proj")):
                return "reduce"
            return f"conv{kernel}x{kernel}"
        case MaxPool() | AvgPool() | AdaptiveAvgPool():
            return "pool"
        case Linear():
            return "linear"
    return "norm"


def window(layer: Layer, source: Shape) -> str:
    """``7×7/2``; the stride only where it is not 1."""
    match layer:
        case Conv() | MaxPool() | AvgPool():
            return f"{layer.kernel}×{layer.kernel}" + (f"/{layer.stride}" if layer.stride > 1 else "")
        case AdaptiveAvgPool(size=1):
            return f"{source[1]}×{source[2]}"
        case AdaptiveAvgPool(size=size):
            return f"to {size}×{size}"
    return ""


def name(layer: Layer, source: Shape) -> str:
    """What a box says: ``conv 7×7/2, 64 kernels``."""
    match layer:
        case Conv():
            norm = ", batch norm" if layer.norm is not None else ""
            return f"conv {window(layer, source)}, {layer.out_channels} kernels{norm}"
        case MaxPool():
            return f"max pool {window(layer, source)}"
        case AvgPool() | AdaptiveAvgPool():
            return f"average pool {window(layer, source)}"
        case Linear():
            return f"fully connected, {layer.out_features}"
        case Dropout():
            return f"dropout {100 * layer.rate:.0f} %"
        case LocalResponseNorm():
            return f"local response norm over {layer.size} channels"
    return "scale and shift"
