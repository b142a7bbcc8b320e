"""Receptive fields against counting which pixels a value reads, layer by layer, one pixel at a time."""

from __future__ import annotations

from functools import cache

import pytest

from googlenet.describe.field import receptive_fields
from googlenet.layers import AdaptiveAvgPool, AvgPool, Conv, Linear, MaxPool, border
from googlenet.spec import INPUT, Spec
from googlenet.variants import VARIANTS, variant


def _pixels_read(spec: Spec, size: int, name: str) -> frozenset[int]:
    """The pixels, those past the border included, that the first or, in a map, the middle value of a layer reads."""
    shapes = spec.shapes(size)
    layers = {layer.name: layer for layer in spec.layers}

    @cache
    def read(name: str, position: int) -> frozenset[int]:
        if name == INPUT:
            return frozenset([position])
        layer = layers[name]
        length = shapes[layer.inputs[0]][1]
        match layer:
            case Conv() | MaxPool():
                start = position * layer.stride - border(length, layer.kernel, layer.stride, layer.padding)[0]
                window = range(start, start + layer.kernel)
            case AvgPool():
                window = range(position * layer.stride, position * layer.stride + layer.kernel)
            case AdaptiveAvgPool(size=count):
                window = range(position * length // count, -(-(position + 1) * length // count))
            case Linear():
                window = range(length)
            case _:
                window = range(position, position + 1)
        return frozenset().union(*(read(source, i) for source in layer.inputs for i in window))

    return read(name, shapes[name][1] // 2)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_layer_of_every_variant(name: str) -> None:
    spec = variant(name)
    fields = receptive_fields(spec, spec.shapes())
    for layer in spec.layers:
        pixels = _pixels_read(spec, 224, layer.name)
        assert fields[layer.name].size == max(pixels) - min(pixels) + 1 == len(pixels), layer.name


@pytest.mark.parametrize("size", [97, 160, 256])
def test_other_image_sizes(size: int) -> None:
    spec = variant("batch_norm")
    fields = receptive_fields(spec, spec.shapes(size))
    for name in ("inception_5b/output", "pool5/7x7_s1", "loss1/fc", "loss3/classifier"):
        pixels = _pixels_read(spec, size, name)
        assert fields[name].size == max(pixels) - min(pixels) + 1, name


def test_by_hand() -> None:
    spec = variant("paper")
    fields = receptive_fields(spec, spec.shapes())
    # 7; + 2·2; + 2·4; + 2·4; then 4·8 with the 5x5 branch of 3a, and so on down to the 7x7 average.
    expected = {"conv1/7x7_s2": 7, "pool1/3x3_s2": 11, "conv2/3x3": 19, "pool2/3x3_s2": 27, "inception_3a/output": 59}
    expected |= {"inception_5b/output": 715, "pool5/7x7_s1": 907}
    assert {name: fields[name].size for name in expected} == expected
    assert fields["inception_5b/output"].step == 32
