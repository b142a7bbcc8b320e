"""A spec and its weights as an ONNX graph: batch norm folded, LRN as onnxruntime runs it fastest, no framework needed.

Every value in the graph carries the name of the layer that it comes out of, so any of them can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from googlenet.errors import SpecError
from googlenet.layers import (
    AdaptiveAvgPool,
    Affine,
    AvgPool,
    Concat,
    Conv,
    Dropout,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool,
    Padding,
    Shape,
)
from googlenet.network.onnx_graph import Array, Attribute, OnnxGraph
from googlenet.spec import INPUT, OUTPUTS, Spec

if TYPE_CHECKING:
    import onnx

LOGITS = "logits"
"""The graph's name for what the main head gives: (batch, classes)."""

Tensors = Mapping[str, NDArray[np.float32]]
InputShape = tuple[int | str, int, int | str, int | str]

FREE: InputShape = ("batch", 3, "height", "width")
"""An input of any batch and size."""


@dataclass(frozen=True)
class Prologue:
    """Operators before the network: ``write`` adds them, from an input of 8-bit pixels to the network's own input."""

    name: str
    shape: tuple[int | str, ...]
    write: Callable[[OnnxGraph], None]


def build_onnx(spec: Spec, tensors: Tensors, *, outputs: Sequence[str] = (LOGITS,)) -> onnx.ModelProto:
    """The network as an ONNX model. Needs the package ``onnx``; ``onnx_bytes`` gives the same without it.

    Args:
        spec: The network.
        tensors: Canonical weights, exactly ``spec.tensors``.
        outputs: What the graph gives, each a layer's name or ``logits``; layers that none of them needs are left out.

    Returns:
        A model with the input ``data``, float32 (batch, 3, height, width), all but the channels free. Maps come out as
        (batch, channels, height, width), fully connected layers as (batch, features).

    Raises:
        SpecError: There is no layer of a name in ``outputs``.
    """
    import onnx

    model: onnx.ModelProto = onnx.ModelProto.FromString(onnx_bytes(spec, tensors, outputs=outputs))
    return model


def onnx_bytes(
    spec: Spec,
    tensors: Tensors,
    *,
    outputs: Sequence[str] = (LOGITS,),
    input_shape: InputShape = FREE,
    metadata: Mapping[str, str] | None = None,
    half: bool = False,
    prologue: Prologue | None = None,
    lrn_operator: bool = False,
) -> bytes:
    """What ``build_onnx`` builds, serialised: the content of an ``.onnx`` file.

    ``input_shape``: a number fixes an axis, a word leaves it free. ``metadata`` goes into the file's own.
    ``half`` stores the weights in 16 bits; they are computed with in 32. ``prologue``: what comes before the network.
    ``lrn_operator`` leaves local response norm to the runtime's own operator, which in OpenVINO is the faster one.
    """
    graph = OnnxGraph(half=half)
    return _write(graph, spec, tensors, outputs, input_shape, metadata, prologue=prologue, lrn_operator=lrn_operator)


def onnx_parts(
    spec: Spec, tensors: Tensors, *, outputs: Sequence[str] = (LOGITS,), source: str = INPUT
) -> tuple[bytes, dict[str, Array]]:
    """The same as the graph without its big constants, and these by name, to hand to a runtime uncopied.

    With ``source`` the graph begins behind the layer of that name, and takes what comes out of it instead of ``data``;
    every way to the outputs must lead through that layer.
    """
    graph = OnnxGraph(external=True)
    return _write(graph, spec, tensors, outputs, source=source), graph.external


def _write(
    graph: OnnxGraph,
    spec: Spec,
    tensors: Tensors,
    outputs: Sequence[str],
    input_shape: InputShape = FREE,
    metadata: Mapping[str, str] | None = None,
    source: str = INPUT,
    prologue: Prologue | None = None,
    lrn_operator: bool = False,
) -> bytes:
    if prologue is not None:
        prologue.write(graph)
    net = _Net(graph, tensors, spec.shapes(), lrn_operator)
    layers = {name: spec.layer(OUTPUTS["main"] if name == LOGITS else name) for name in outputs}
    for layer in _needed(spec, layers.values(), source):
        _emit(layer, net)
    if LOGITS in outputs:
        graph.node("Identity", [OUTPUTS["main"]], LOGITS)
    shapes = {name: _output_shape(spec, layer, net.shapes[layer.name]) for name, layer in layers.items()}
    shapes = {name: (input_shape[0], *shape[1:]) for name, shape in shapes.items()}
    if prologue is not None:
        return graph.to_bytes({prologue.name: prologue.shape}, shapes, metadata, pixels=True)
    read = input_shape if source == INPUT else (*input_shape[:1], net.shapes[source][0], *input_shape[2:])
    return graph.to_bytes({source: read}, shapes, metadata)


@dataclass(frozen=True)
class _Net:
    """What a layer's function needs: where to write, the weights, and the shapes at 224 px for the channels in them."""

    graph: OnnxGraph
    tensors: Tensors
    shapes: Mapping[str, Shape]
    lrn_operator: bool


def _needed(spec: Spec, outputs: Iterable[Layer], source: str) -> list[Layer]:
    needed = {layer.name for layer in outputs}
    kept = []
    for layer in reversed(spec.layers):
        if layer.name in needed and layer.name != source:
            needed.update(layer.inputs)
            kept.append(layer)
    return kept[::-1]


def _output_shape(spec: Spec, layer: Layer, shape: Shape) -> tuple[int | str, ...]:
    source = layer
    while isinstance(source, Dropout):
        source = spec.layer(source.inputs[0])
    if isinstance(source, Linear):
        return "batch", shape[0]
    if isinstance(source, AdaptiveAvgPool):
        return "batch", *shape
    return "batch", shape[0], f"{layer.name}/height", f"{layer.name}/width"


@singledispatch
def _emit(layer: Layer, _: _Net) -> None:
    raise SpecError(f"layer {layer.name} is of the kind {type(layer).__name__}, which has no ONNX form")


@_emit.register
def _conv(layer: Conv, net: _Net) -> None:
    if layer.padding == "ceil":
        raise SpecError(
            f"layer {layer.name} has padding 'ceil', which only a pooling can have; use half, valid or same"
        )
    weight, bias = _folded(layer, net.tensors)
    inputs = [layer.inputs[0], net.graph.constant(f"{layer.name}/weight", weight)]
    if bias is not None:
        inputs.append(net.graph.constant(f"{layer.name}/bias", bias))
    output = f"{layer.name}/linear" if layer.relu else layer.name
    net.graph.node("Conv", inputs, output, **_window(layer.kernel, layer.stride, layer.padding))
    if layer.relu:
        net.graph.node("Relu", [output], layer.name)


def _folded(layer: Conv, tensors: Tensors) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    weight, bias = tensors[f"{layer.name}/weight"], tensors[f"{layer.name}/bias"] if layer.bias else None
    if layer.norm is None:
        return weight, bias
    # In float64: the variance of a channel that hardly ever fires is small, and its inverse root large.
    norm = {name: tensors[f"{layer.name}/norm/{name}"].astype(np.float64) for name in ("beta", "mean", "variance")}
    factor = 1 / np.sqrt(norm["variance"] + layer.norm.eps)
    if layer.norm.scale:
        factor = factor * tensors[f"{layer.name}/norm/gamma"]
    shift = norm["beta"] + ((0 if bias is None else bias) - norm["mean"]) * factor
    return (weight * factor[:, None, None, None]).astype(np.float32), shift.astype(np.float32)


@_emit.register
def _linear(layer: Linear, net: _Net) -> None:
    weight, bias = (
        net.graph.constant(name, net.tensors[name]) for name in (f"{layer.name}/weight", f"{layer.name}/bias")
    )
    flat = net.graph.node("Flatten", layer.inputs, f"{layer.name}/flat")
    output = f"{layer.name}/linear" if layer.relu else layer.name
    net.graph.node("Gemm", [flat, weight, bias], output, transB=1)
    if layer.relu:
        net.graph.node("Relu", [output], layer.name)


@_emit.register
def _max_pool(layer: MaxPool, net: _Net) -> None:
    net.graph.node("MaxPool", layer.inputs, layer.name, **_window(layer.kernel, layer.stride, layer.padding))


@_emit.register
def _avg_pool(layer: AvgPool, net: _Net) -> None:
    net.graph.node("AveragePool", layer.inputs, layer.name, **_window(layer.kernel, layer.stride, "valid"))


@_emit.register
def _adaptive_avg_pool(layer: AdaptiveAvgPool, net: _Net) -> None:
    """Averages by matrices, rows @ map @ columns: the windows depend on the map's size, which the graph leaves free."""
    if layer.size == 1:
        net.graph.node("GlobalAveragePool", layer.inputs, layer.name)
        return
    rows = _averaging(net.graph, layer, "height", axis=2)
    columns = net.graph.node(
        "Transpose", [_averaging(net.graph, layer, "width", axis=3)], f"{layer.name}/width/t", perm=(1, 0)
    )
    rows_done = net.graph.node("MatMul", [rows, layer.inputs[0]], f"{layer.name}/rows")
    net.graph.node("MatMul", [rows_done, columns], layer.name)


def _averaging(graph: OnnxGraph, layer: AdaptiveAvgPool, side: str, axis: int) -> str:
    """The matrix (size, n) that averages window i, floor(i·n/size) to ceil((i+1)·n/size), of an axis of n pixels."""

    def node(op: str, inputs: Sequence[str], name: str, **attributes: Attribute) -> str:
        return graph.node(op, inputs, f"{layer.name}/{side}/{name}", **attributes)

    def integers(name: str, values: ArrayLike) -> str:
        return graph.constant(f"{layer.name}/{name}", np.asarray(values, dtype=np.int64))

    window = np.arange(layer.size)[:, None]
    zero, one, size = integers("zero", 0), integers("one", 1), integers("size", layer.size)
    length = node("Squeeze", [node("Shape", layer.inputs, "shape", start=axis, end=axis + 1)], "length")
    pixels = node("Range", [zero, length, one], "pixels")
    first = node("Div", [node("Mul", [integers("window", window), length], "from"), size], "first")
    upper = node("Mul", [integers("next", window + 1), length], "to")
    upper = node("Add", [upper, integers("round_up", layer.size - 1)], "to_up")
    end = node("Div", [upper, size], "end")
    inside = node(
        "And", [node("GreaterOrEqual", [pixels, first], "after"), node("Less", [pixels, end], "before")], "in"
    )
    weights = node("Cast", [inside], "weights", to=1)
    total = node("ReduceSum", [weights, integers("last_axis", [1])], "total", keepdims=1)
    return node("Div", [weights, total], "matrix")


@_emit.register
def _lrn(layer: LocalResponseNorm, net: _Net) -> None:
    """The sum over neighbouring channels is a 1x1 convolution by a banded matrix: in onnxruntime faster than LRN."""
    if net.lrn_operator and layer.size % 2:  # an even window lies otherwise there, one channel further on
        constants = {"alpha": float(layer.alpha), "beta": float(layer.beta), "bias": float(layer.k)}
        net.graph.node("LRN", layer.inputs, layer.name, size=layer.size, **constants)
        return

    def node(op: str, inputs: Sequence[str], name: str) -> str:
        return net.graph.node(op, inputs, f"{layer.name}/{name}")

    source, channels = layer.inputs[0], net.shapes[layer.name][0]
    offset = np.arange(channels)[None, :] - np.arange(channels)[:, None]  # of the channel read from the one written
    near = (offset >= -(layer.size // 2)) & (offset <= (layer.size - 1) // 2)
    band = (near * (layer.alpha / layer.size)).astype(np.float32)[:, :, None, None]
    weight = net.graph.constant(f"{layer.name}/band", band)
    bias = net.graph.constant(f"{layer.name}/k", np.full(channels, layer.k, np.float32))
    scale = node("Conv", [node("Mul", [source, source], "square"), weight, bias], "scale")
    if layer.beta == 0.75:
        root = node("Sqrt", [scale], "root")
        power = node("Mul", [root, node("Sqrt", [root], "root4")], "power")
    else:
        beta = net.graph.constant(f"{layer.name}/beta", np.array(layer.beta, np.float32))
        power = node("Pow", [scale, beta], "power")
    net.graph.node("Div", [source, power], layer.name)


@_emit.register
def _concat(layer: Concat, net: _Net) -> None:
    net.graph.node("Concat", layer.inputs, layer.name, axis=1)


@_emit.register
def _dropout(layer: Dropout, net: _Net) -> None:
    net.graph.node("Identity", layer.inputs, layer.name)


@_emit.register
def _affine(layer: Affine, net: _Net) -> None:
    scale, shift = (np.array(values, np.float32).reshape(1, -1, 1, 1) for values in (layer.scale, layer.shift))
    scaled = net.graph.node(
        "Mul", [layer.inputs[0], net.graph.constant(f"{layer.name}/scale", scale)], f"{layer.name}/scaled"
    )
    net.graph.node("Add", [scaled, net.graph.constant(f"{layer.name}/shift", shift)], layer.name)


def _window(kernel: int, stride: int, padding: Padding) -> dict[str, Attribute]:
    window: dict[str, Attribute] = {"kernel_shape": (kernel, kernel), "strides": (stride, stride)}
    match padding:
        case "half":
            window["pads"] = (kernel // 2,) * 4
        case "ceil":
            window["ceil_mode"] = 1
        case "same":
            window["auto_pad"] = "SAME_UPPER"
    return window
