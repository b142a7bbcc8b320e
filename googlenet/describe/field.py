"""The receptive field: how many pixels of the image, along one axis, a value of each layer depends on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from googlenet.layers import AdaptiveAvgPool, AvgPool, Conv, Layer, Linear, MaxPool, Shape
from googlenet.spec import INPUT, Spec


@dataclass(frozen=True)
class Field:
    """``size`` pixels, and ``step``, the pixels between the fields of two neighbours (a mean, where they vary)."""

    size: int
    step: Fraction


def receptive_fields(spec: Spec, shapes: dict[str, Shape]) -> dict[str, Field]:
    """The field of every layer; where branches meet, the widest counts.

    What lies past the border of the image counts too, as is usual: a field can be larger than the image.
    ``shapes`` are those of ``spec.shapes``: a pooling over the whole map depends on the map's size.
    """
    fields = {INPUT: Field(1, Fraction(1))}
    for layer in spec.layers:
        source = max((fields[name] for name in layer.inputs), key=lambda field: field.size)
        kernel, stride = _window(layer, shapes[layer.inputs[0]][1])
        fields[layer.name] = Field(source.size + int((kernel - 1) * source.step), source.step * stride)
    return fields


def _window(layer: Layer, size: int) -> tuple[int, Fraction]:
    """The kernel and the stride of a layer that reads a map of ``size`` pixels."""
    match layer:
        case Conv() | MaxPool() | AvgPool():
            return layer.kernel, Fraction(layer.stride)
        case AdaptiveAvgPool(size=count):
            kernel = max(-(-(i + 1) * size // count) - i * size // count for i in range(count))
            # Uneven steps, but the first window starts where the map starts and the last ends where it ends.
            return kernel, Fraction(size - kernel, count - 1) if count > 1 else Fraction(1)
        case Linear():
            return size, Fraction(1)
    return 1, Fraction(1)
