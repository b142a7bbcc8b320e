"""An ONNX graph of any exporter, run node by node in NumPy with probes in the place of its layers' results."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from googlenet.conformance.parts import INPUT_SIZE, Kind, Pair, Window, adaptive_window
from googlenet.conformance.recorder import PROBE, Recorder, Sources, Step, observe
from googlenet.conformance.structure import NoGoogLeNetError
from googlenet.errors import ModelFileError
from googlenet.weights.onnx_reader import Graph

Value: TypeAlias = NDArray[Any]

_POOLS: dict[str, Kind] = {"MaxPool": "max_pool", "AveragePool": "avg_pool"}


def watch_onnx(path: Path) -> list[Step]:
    """The steps of the graph in a file, on an image of 224 px.

    Raises ``ModelFileError`` for a file that is damaged or keeps its weights elsewhere, ``NoGoogLeNetError`` where the
    graph cannot take such an image.
    """
    graph = Graph(path)
    name, shape = _input(path, graph)
    image = np.random.default_rng(1).normal(0, PROBE, shape).astype(np.float32)
    channels_first = image[0] if shape[1] == 3 else np.ascontiguousarray(image[0].transpose(2, 0, 1))
    return observe(channels_first, lambda recorder: _Run(graph, recorder, name, image).run())


def _input(path: Path, graph: Graph) -> tuple[str, tuple[int, ...]]:
    """The name and shape of the image, a batch of one."""
    images = [value for value in graph.inputs if graph.constant(value.name) is None]
    if len(images) != 1:
        raise ModelFileError(f"{path}: takes {len(images)} inputs, a GoogLeNet one image; give a GoogLeNet's graph")
    dims = [dim.dim_value for dim in images[0].type.tensor_type.shape.dim]
    shape = (1, INPUT_SIZE, INPUT_SIZE, 3) if dims[1:] and dims[-1] == 3 else (1, 3, INPUT_SIZE, INPUT_SIZE)
    if len(dims) != 4 or any(dim not in (0, size) for dim, size in zip(dims[1:], shape[1:], strict=True)):
        found = "×".join(str(dim or "?") for dim in dims)
        raise NoGoogLeNetError(f"it takes no images of 3×{INPUT_SIZE}×{INPUT_SIZE}: its input is {found}")
    return images[0].name, shape


class _Run:
    def __init__(self, graph: Graph, recorder: Recorder, name: str, image: Value) -> None:
        self.graph, self.recorder = graph, recorder
        self.values: dict[str, Value] = {name: image}
        self.sources: dict[str, Sources] = {name: frozenset({0})}

    def run(self) -> None:
        for node in self.graph.nodes:
            sources = frozenset().union(*(self.sources.get(name, frozenset()) for name in node.input))
            if not sources or not self._layer(node):
                self._plain(node, sources)
        for position, name in enumerate(self.graph.outputs):
            label = name if len(self.graph.outputs) > 1 and not name.isdigit() else position
            self.recorder.add_output(
                label, self.sources.get(name, frozenset()), np.asarray(self._value(name)[0], np.float32)
            )

    def _value(self, name: str) -> Value:
        if name not in self.values:
            constant = self.graph.raw_constant(name)
            if constant is None:
                raise NoGoogLeNetError(f"its graph reads {name!r}, which nothing gives")
            self.values[name] = constant
        return self.values[name]

    def _plain(self, node: Any, sources: Sources) -> None:
        """Compute a node that is no layer."""
        from onnx.reference import ReferenceEvaluator

        if node.op_type == "BatchNormalization":
            self.recorder.normalise(sources)
        given = {name: self._value(name) for name in node.input if name}
        try:
            results = ReferenceEvaluator(node, opsets=self.graph.opsets).run(None, given)
        except Exception as error:  # an operator that the evaluator has not, or that does not fit
            raise NoGoogLeNetError(
                f"its node {node.name or node.output[0]!r} ({node.op_type}) cannot be run on an image of "
                f"{INPUT_SIZE} px: {str(error)[:200]}"
            ) from error
        for name, value in zip(node.output, results, strict=False):
            self.values[name], self.sources[name] = np.asarray(value), sources

    def _layer(self, node: Any) -> bool:
        """Write a node down if it is a layer; whether it was."""
        described = self._describe(node)
        if described is None or not self.recorder.starts_step():
            return False
        kind, width, window = described
        x = self._value(node.input[0])
        shape = (len(x), width or x.shape[1], *(window.count if window is not None else ()))
        has_bias = kind in ("conv", "linear") and len(node.input) > 2 and bool(node.input[2])
        source = self.sources[node.input[0]]
        sources, probe = self.recorder.add(kind, source, x[0], shape, width=width, window=window, bias=has_bias)
        self.values[node.output[0]], self.sources[node.output[0]] = probe, sources
        return True

    def _describe(self, node: Any) -> tuple[Kind, int | None, Window | None] | None:
        """Kind, width and window of a layer; None for a node that is none."""
        if not self.sources.get(node.input[0]):
            return None
        x, settings = self._value(node.input[0]), _attributes(node)
        if node.op_type == "Conv" and x.ndim == 4:
            weight = self._value(node.input[1])
            kernel = int(weight.shape[2]), int(weight.shape[3])
            return "conv", len(weight), _window(x, kernel, settings)
        if node.op_type in _POOLS and x.ndim == 4:
            kernel = settings["kernel_shape"][0], settings["kernel_shape"][1]
            window = _window(x, kernel, settings)
            if window.count == (1, 1) and node.op_type == "AveragePool":
                window = adaptive_window(kernel, (1, 1))
            return _POOLS[node.op_type], None, window
        if self._means_whole_map(node, x):
            return "avg_pool", None, adaptive_window((x.shape[2], x.shape[3]), (1, 1))
        if node.op_type in ("Gemm", "MatMul") and x.ndim == 2:
            weight = self._value(node.input[1])
            return "linear", int(weight.shape[0 if settings.get("transB") else 1]), None
        return None

    def _means_whole_map(self, node: Any, x: Value) -> bool:
        if node.op_type == "GlobalAveragePool":
            return x.ndim == 4
        if node.op_type != "ReduceMean" or x.ndim != 4 or not _attributes(node).get("keepdims", 1):
            return False
        axes = _attributes(node).get("axes") or (self._value(node.input[1]).tolist() if len(node.input) > 1 else [])
        return {axis % 4 for axis in axes} == {2, 3}


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}


def _window(x: Value, kernel: Pair, settings: dict[str, Any]) -> Window:
    stride = settings.get("strides", (1, 1))
    dilation = settings.get("dilations", (1, 1))
    pads = settings.get("pads", (0, 0, 0, 0))
    auto = settings.get("auto_pad", b"NOTSET").decode()
    before, count = [], []
    for axis in (0, 1):
        size, step = x.shape[2 + axis], stride[axis]
        span = dilation[axis] * (kernel[axis] - 1) + 1
        if auto.startswith("SAME"):
            number = -(-size // step)
            missing = max(0, (number - 1) * step + span - size)
            before.append(missing // 2 if auto == "SAME_UPPER" else missing - missing // 2)
        else:
            room = size + pads[axis] + pads[2 + axis] - span
            number = (-(-room // step) if settings.get("ceil_mode") else room // step) + 1
            before.append(pads[axis])
        count.append(number)
    return Window(
        kernel=kernel,
        stride=(stride[0], stride[1]),
        before=(before[0], before[1]),
        count=(count[0], count[1]),
        dilation=(dilation[0], dilation[1]),
        groups=settings.get("group", 1),
    )
