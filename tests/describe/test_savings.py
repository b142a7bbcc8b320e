"""What the reductions save, against the arithmetic written out and against the whole naive network."""

from __future__ import annotations

from math import prod

import pytest

from googlenet.describe.savings import (
    VGG16_PARAMETERS,
    find_module,
    module_pair,
    module_savings,
    network_saving,
    pair_saving,
    textbook_example,
)
from googlenet.errors import SpecError
from googlenet.variants import naive, paper, variant


def test_the_textbook_example() -> None:
    assert textbook_example() == (819_200, 50_688)


def test_module_3a_by_hand() -> None:
    saving = module_savings(paper())[0]
    assert saving.naive.weights == 192 * (64 + 9 * 128 + 25 * 32)
    assert saving.naive.macs == saving.naive.weights * 28 * 28
    assert saving.naive.channels == 64 + 128 + 32 + 192
    assert (saving.reduced.weights, saving.reduced.macs, saving.reduced.channels) == (163_328, 128_049_152, 256)


def test_the_first_module_is_the_naive_networks_own() -> None:
    """Only there do both read the same map."""
    spec = naive()
    layers = [layer for layer in spec.layers if layer.name.startswith("inception_3a/")]
    assert list(module_pair(paper(), find_module(paper(), "3a")).naive) == layers


def test_in_all() -> None:
    saving = network_saving(paper())
    spec = naive(aux_heads=False)
    weights = sum(prod(shape) for name, shape in spec.parameters.items() if name.endswith("/weight"))
    assert saving.naive.weights == weights == 97_519_936
    assert saving.naive.macs == sum(spec.macs().values())
    assert saving.naive.channels == 4944
    assert saving.reduced.weights == 6_990_272


def test_the_naive_variant_is_compared_with_the_same_network() -> None:
    assert network_saving(naive()) == network_saving(paper())
    assert module_savings(naive()) == module_savings(paper())


def test_a_variant_keeps_its_own_kernels() -> None:
    pair = module_pair(variant("torchvision"), find_module(paper(), "inception_4b"))
    assert pair_saving(pair).naive.weights == 512 * (160 + 9 * 224 + 9 * 64)


def test_beside_vgg16() -> None:
    convolutions = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256), (256, 512)]
    convolutions += [(512, 512)] * 5
    linear = [(512 * 7 * 7, 4096), (4096, 4096), (4096, 1000)]
    counted = sum(9 * a * b + b for a, b in convolutions) + sum(a * b + b for a, b in linear)
    assert counted == VGG16_PARAMETERS
    assert round(VGG16_PARAMETERS / paper(aux_heads=False).parameter_count, 1) == 19.8


def test_an_unknown_module_is_named() -> None:
    with pytest.raises(SpecError, match="'9z'; this network's modules are: 3a, 3b"):
        find_module(paper(), "9z")
