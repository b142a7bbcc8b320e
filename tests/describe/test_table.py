"""Table 1, row by row: what is computed and what the paper prints, as ../shared/facts.md has read both."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest

from googlenet.describe.printed import PRINTED, REASONS, disagreements, printed_operations, printed_parameters
from googlenet.describe.sections import sections, shape_words
from googlenet.describe.table import compute_table
from googlenet.errors import SettingsError, SpecError
from googlenet.spec import TABLE_1, Spec
from googlenet.variants import VARIANTS, paper, variant

# block: output, printed parameters (K), printed operations (M), weights, with biases, MACs
TABLE = {
    "conv1": ("112×112×64", 2.7, 34, 9_408, 9_472, 118_013_952),
    "pool1": ("56×56×64", None, None, 0, 0, 0),
    "conv2": ("56×56×192", 112, 360, 114_688, 114_944, 359_661_568),
    "pool2": ("28×28×192", None, None, 0, 0, 0),
    "inception_3a": ("28×28×256", 159, 128, 163_328, 163_696, 128_049_152),
    "inception_3b": ("28×28×480", 380, 304, 388_096, 388_736, 304_267_264),
    "pool3": ("14×14×480", None, None, 0, 0, 0),
    "inception_4a": ("14×14×512", 364, 73, 375_552, 376_176, 73_608_192),
    "inception_4b": ("14×14×512", 437, 88, 448_512, 449_160, 87_908_352),
    "inception_4c": ("14×14×512", 463, 100, 509_440, 510_104, 99_850_240),
    "inception_4d": ("14×14×528", 580, 119, 604_672, 605_376, 118_515_712),
    "inception_4e": ("14×14×832", 840, 170, 867_328, 868_352, 169_996_288),
    "pool4": ("7×7×832", None, None, 0, 0, 0),
    "inception_5a": ("7×7×832", 1072, 54, 1_042_432, 1_043_456, 51_079_168),
    "inception_5b": ("7×7×1024", 1388, 71, 1_442_816, 1_444_080, 70_697_984),
    "pool5": ("1×1×1024", None, None, 0, 0, 0),
    "loss3": ("1×1×1000", 1000, 1, 1_024_000, 1_025_000, 1_024_000),
    "loss1": ("1×1×1000", None, None, 3_186_688, 3_188_840, 4_169_728),
    "loss2": ("1×1×1000", None, None, 3_188_736, 3_190_888, 4_202_496),
}


def test_every_row() -> None:
    found = {
        block.name: (
            shape_words(block.output),
            printed_parameters(block),
            printed_operations(block),
            block.weights,
            block.parameters,
            block.macs,
        )
        for block in compute_table(paper()).blocks
    }
    assert found == TABLE
    assert list(found) == list(TABLE)


def test_totals() -> None:
    table = compute_table(paper())
    assert (table.main.weights, table.main.parameters, table.main.macs) == (6_990_272, 6_998_552, 1_582_671_872)
    assert (table.all.weights, table.all.parameters, table.all.macs) == (13_365_696, 13_378_280, 1_591_044_096)
    assert table.depth == 22
    totals = sections(table)[1]
    assert totals.lines[0].cells[3] == "6797.7 K"
    assert totals.lines[0].cells[5] == "1502 M"


def test_branches_add_up_to_their_module() -> None:
    for block in compute_table(paper()).blocks:
        if block.branches:
            assert [branch.name.split("/")[1] for branch in block.branches] == ["1x1", "3x3", "5x5", "pool"]
            assert sum(branch.macs for branch in block.branches) == block.macs
            assert sum(branch.parameters for branch in block.branches) == block.parameters
            assert sum(branch.output[0] for branch in block.branches) == block.output[0]


def test_what_disagrees_is_what_is_known_to() -> None:
    found = disagreements(compute_table(paper()).blocks)
    assert [row.name for row in found] == list(REASONS)
    assert set(REASONS) == {"conv1", *(f"inception_{name}" for name in ("4a", "4b", "4c", "4d", "4e", "5a", "5b"))}


def _with(name: str, **widths: int) -> Spec:
    modules = tuple(replace(module, **widths) if module.name == name else module for module in TABLE_1)
    return replace(paper(aux_heads=False), modules=modules)


def test_the_reasons_give_the_printed_numbers() -> None:
    assert round((7 + 7) * 3 * 64 / 1000, 1) == PRINTED["conv1"].parameters
    assert round((7 + 7) * 3 * 64 * 112 * 112 / 1e6) == PRINTED["conv1"].operations
    narrow = compute_table(_with("4a", c3x3=204))
    for name in ("inception_4a", "inception_4b"):
        block, printed = narrow.block(name), PRINTED[name]
        assert round(block.parameters / 1024) == printed.parameters
        assert round(block.macs / 1e6) == printed.operations
    assert narrow.block("inception_4a").output[0] == 508
    wide = compute_table(_with("5a", reduce5x5=48)).block("inception_5a")
    assert round(wide.macs / 1e6) == PRINTED["inception_5a"].operations
    assert abs(wide.parameters / 1024 - PRINTED["inception_5a"].parameters) > 5, "fits neither"


def test_printed_numbers_stand_only_beside_the_papers_own() -> None:
    other = compute_table(variant("torchvision"))
    assert printed_parameters(other.block("conv2")) == 112
    assert printed_parameters(other.block("inception_3a")) is None
    larger = compute_table(paper(7, aux_heads=False), 299)
    assert printed_parameters(larger.block("inception_3a")) == 159
    assert printed_operations(larger.block("inception_3a")) is None
    assert printed_parameters(larger.block("loss3")) is None
    assert disagreements(larger.blocks) == ()


def test_memory_grows_with_the_batch_and_the_image() -> None:
    spec = paper(aux_heads=False)
    one, many = compute_table(spec), compute_table(spec, batch=32)
    values = sum(prod(shape) for shape in spec.shapes().values())
    assert one.training_bytes == 4 * values
    assert many.training_bytes == 32 * one.training_bytes
    assert many.inference_bytes == 32 * one.inference_bytes
    # conv2's norm: both of its maps of 56 x 56 x 192, and nothing else, are needed at once.
    assert one.inference_bytes == 4 * 2 * 56 * 56 * 192
    assert compute_table(spec, 448).training_bytes > 3.9 * one.training_bytes


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant(name: str) -> None:
    spec = variant(name)
    table = compute_table(spec)
    assert table.all.parameters == spec.parameter_count
    assert {row.name for row in table.all.layers} == {layer.name for layer in spec.layers}
    assert table.depth == (22 if spec.reductions else 13)


@pytest.mark.parametrize("sizes", [(0, 1), (-1, 1), (224, 0)])
def test_no_pixels_and_no_images_are_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(SettingsError, match=r"is (0|-1); give 1 or more"):
        compute_table(paper(), *sizes)


def test_too_small_an_image_is_refused() -> None:
    with pytest.raises(SpecError, match="too small"):
        compute_table(paper(aux_heads=False), 4)
