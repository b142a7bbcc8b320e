"""Resize, crop and normalise as operators of an ONNX graph, which then takes 8-bit pixels of any size.

The operator Resize with antialias is Pillow's algorithm in onnxruntime, on 8 bits nearly to the level: what is left are
single pixels, where the two disagree whether a far neighbour still counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from googlenet.data.preprocess import Preprocessing
from googlenet.errors import SettingsError
from googlenet.network.onnx_graph import Attribute, OnnxGraph
from googlenet.spec import INPUT

PIXELS = "pixels"
"""The graph's input: uint8 (batch, height, width, 3), RGB, upright; all pictures of a batch of one size."""

_MODES: dict[str, dict[str, Attribute]] = {
    "bilinear": {"mode": "linear"},
    "bicubic": {"mode": "cubic", "cubic_coeff_a": -0.5},
}
_DOUBLE, _INT64, _FLOAT = 11, 7, 1  # TensorProto.DataType


def check_pixels(rule: Preprocessing) -> None:
    """Raise ``SettingsError`` where ONNX has no operator that does what ``rule`` says."""
    if rule.resize == "none" or rule.filter not in _MODES:
        raise SettingsError(
            f"--with-preprocessing has no operator for resize {rule.resize!r} with the filter {rule.filter!r}, "
            f"only for shorter-side and warp with {' and '.join(_MODES)}; leave it out"
        )


def write_pixels(graph: OnnxGraph, rule: Preprocessing) -> None:
    """Add the operators from ``PIXELS`` to the network's own input."""

    def node(op: str, inputs: Sequence[str], name: str, **attributes: Attribute) -> str:
        return graph.node(op, inputs, f"prepare/{name}", **attributes)

    def integers(name: str, values: Sequence[int]) -> str:
        return graph.constant(f"prepare/{name}", np.array(values, np.int64))

    planes = node("Transpose", [PIXELS], "planes", perm=(0, 3, 1, 2))
    kept = node("Shape", [planes], "kept", start=0, end=2)
    sides = integers("sides", [rule.resize_size] * 2) if rule.resize == "warp" else _shorter_side(graph, planes, rule)
    sizes = node("Concat", [kept, sides], "sizes", axis=0)
    resized = node(
        "Resize",
        [planes, "", "", sizes],
        "resized",
        antialias=1,
        coordinate_transformation_mode="half_pixel",
        **_MODES[rule.filter],
    )
    crop = integers("crop", [rule.crop_size] * 2)
    first = node("Div", [node("Sub", [sides, crop], "margin"), integers("two", [2])], "first")
    last = node("Add", [first, crop], "last")
    cropped = node("Slice", [resized, first, last, integers("axes", [2, 3])], "cropped")
    if rule.channel_order == "BGR":
        cropped = node("Gather", [cropped, integers("order", [2, 1, 0])], "swapped", axis=1)
    values = node("Cast", [cropped], "values", to=_FLOAT)
    mean, scale = (np.array(part, np.float32).reshape(1, 3, 1, 1) for part in (rule.mean, rule.scale))
    centred = node("Sub", [values, graph.constant("prepare/mean", mean)], "centred")
    graph.node("Mul", [centred, graph.constant("prepare/scale", scale)], INPUT)


def _shorter_side(graph: OnnxGraph, planes: str, rule: Preprocessing) -> str:
    """Height and width of the resized picture; in float64 and halves to even, as Python rounds."""

    def node(op: str, inputs: Sequence[str], name: str, **attributes: Attribute) -> str:
        return graph.node(op, inputs, f"prepare/{name}", **attributes)

    sides = node("Shape", [planes], "sides", start=2, end=4)
    shorter = node("ReduceMin", [sides], "shorter", keepdims=1)
    target = graph.constant("prepare/target", np.array([rule.resize_size], np.int64))
    product = node("Cast", [node("Mul", [sides, target], "product")], "product64", to=_DOUBLE)
    exact = node("Div", [product, node("Cast", [shorter], "shorter64", to=_DOUBLE)], "exact")
    return node("Cast", [node("Round", [exact], "rounded")], "resized_sides", to=_INT64)
