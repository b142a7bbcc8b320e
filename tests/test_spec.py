"""The numbers of the paper's Table 1, computed, against the published table as it follows from its columns."""

from __future__ import annotations

from math import prod

import pytest

from googlenet.errors import SpecError
from googlenet.layers import border, window_count
from googlenet.variants import batch_norm, paper, variant

# block -> output shape at 224 px, parameters with biases, multiply-accumulates
TABLE = {
    "conv1": ((64, 112, 112), 9_472, 118_013_952),
    "conv2": ((192, 56, 56), 114_944, 359_661_568),
    "inception_3a": ((256, 28, 28), 163_696, 128_049_152),
    "inception_3b": ((480, 28, 28), 388_736, 304_267_264),
    "inception_4a": ((512, 14, 14), 376_176, 73_608_192),
    "inception_4b": ((512, 14, 14), 449_160, 87_908_352),
    "inception_4c": ((512, 14, 14), 510_104, 99_850_240),
    "inception_4d": ((528, 14, 14), 605_376, 118_515_712),
    "inception_4e": ((832, 14, 14), 868_352, 169_996_288),
    "inception_5a": ((832, 7, 7), 1_043_456, 51_079_168),
    "inception_5b": ((1024, 7, 7), 1_444_080, 70_697_984),
    "loss1": ((1000, 1, 1), 3_188_840, 4_169_728),
    "loss2": ((1000, 1, 1), 3_190_888, 4_202_496),
    "loss3": ((1000, 1, 1), 1_025_000, 1_024_000),
}


@pytest.mark.parametrize("block", TABLE)
def test_block_equals_the_table(block: str) -> None:
    spec = paper()
    layers = [layer for layer in spec.layers if layer.name.split("/")[0] == block]
    shape, parameters, macs = TABLE[block]
    convolutions = [layer for layer in layers if layer.parameters() or layer.name.endswith("output")]
    assert spec.shapes()[convolutions[-1].name] == shape
    assert sum(prod(size) for layer in layers for size in layer.parameters().values()) == parameters
    assert sum(spec.macs()[layer.name] for layer in layers) == macs


def test_totals() -> None:
    assert paper().parameter_count == 13_378_280
    assert paper(aux_heads=False).parameter_count == 6_998_552
    assert sum(paper(aux_heads=False).macs().values()) == 1_582_671_872
    assert sum(paper().macs().values()) == 1_591_044_096


@pytest.mark.parametrize(
    ("name", "main", "with_heads"),
    [
        ("torchvision", 6_624_904, 13_004_888),  # as torchvision prints them
        ("slim", 6_618_649, None),
        ("tutorial", None, 13_378_280),
        ("tutorial_tf", None, 13_378_280),
        ("tutorial_bn", None, 13_004_888),
    ],
)
def test_the_other_variants_have_their_known_sizes(name: str, main: int | None, with_heads: int | None) -> None:
    if main:
        assert variant(name, aux_heads=False).parameter_count == main
    if with_heads:
        assert variant(name, 1000, aux_heads=True).parameter_count == with_heads


def test_naive_modules_grow_through_the_pool_branch() -> None:
    shapes = variant("naive").shapes()
    assert [shapes[f"inception_{name}/output"][0] for name in ("3a", "3b", "4a", "5b")] == [416, 832, 1280, 4944]


def test_slim_has_no_heads() -> None:
    with pytest.raises(SpecError, match="aux_heads is True"):
        variant("slim", aux_heads=True)


def test_batch_norm_takes_any_input_from_64_pixels_up() -> None:
    for size in (64, 65, 97, 224, 301):
        assert batch_norm(7).shapes(size)["loss1/classifier"] == (7, 1, 1)


def test_paper_heads_refuse_other_inputs_by_name() -> None:
    with pytest.raises(SpecError, match="loss1/fc takes 2048 features but a map of 128x3x3"):
        paper().shapes(192)
    assert paper(aux_heads=False).shapes(192)["pool5/7x7_s1"] == (1024, 1, 1)


def test_too_small_an_input_is_refused() -> None:
    with pytest.raises(SpecError, match="too small"):
        batch_norm().shapes(4)


def test_unknown_variant_and_layer_are_named() -> None:
    with pytest.raises(SpecError, match="'papr'; known are: paper"):
        variant("papr")
    with pytest.raises(SpecError, match="inception_3a/3x3"):
        paper().layer("inception_3a/33")


@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_windows_against_counting(kernel: int, stride: int) -> None:
    for size in range(kernel, 40):
        starts = [x for x in range(size) if x % stride == 0]
        assert window_count(size, kernel, stride, "same") == len(starts)
        assert window_count(size, kernel, stride, "valid") == len([x for x in starts if x + kernel <= size])
        for padding in ("half", "same", "valid"):
            before, after = border(size, kernel, stride, padding)  # type: ignore[arg-type]
            count = window_count(size, kernel, stride, padding)  # type: ignore[arg-type]
            assert (count - 1) * stride + kernel <= size + before + after
