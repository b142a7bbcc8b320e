"""A GoogLeNet in an ONNX graph, whoever exported it: found by structure and shapes, never by names.

The landmarks are the nine concatenations of four branches. From each, every branch is followed back to its
convolutions. Batch norm may stand in the graph or be folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import ModelFileError
from googlenet.layers import BatchNorm
from googlenet.spec import LRN, OUTPUTS, TABLE_1, Spec
from googlenet.variants import variant
from googlenet.weights.foreign import Foreign
from googlenet.weights.matching import check_shapes

_BRANCHES = (("1x1",), ("3x3", "3x3_reduce"), ("5x5", "5x5_reduce"), ("pool_proj",))
_MAX_BYTES = 1 << 29
_NORM_ROLES = ("gamma", "beta", "mean", "variance")


@dataclass(frozen=True)
class _Unit:
    """A convolution, and the batch norm that follows it."""

    conv: Any
    norm: Any | None


def read_onnx(path: Path) -> Foreign:
    """The weights of the GoogLeNet in an ONNX file under their canonical names, and the network's spec.

    Raises ``ModelFileError`` for a file that is damaged, keeps its weights elsewhere, or holds another network.
    """
    graph = Graph(path)
    units = _find_units(path, graph)
    tensors: dict[str, NDArray[np.float32]] = {}
    for layer, unit in units.items():
        tensors |= _unit_tensors(path, graph, layer, unit)
    weight, bias = _classifier(path, graph)
    tensors |= {f"{OUTPUTS['main']}/weight": weight, f"{OUTPUTS['main']}/bias": bias}
    spec = _spec(graph, units, tensors)
    ordered = {name: tensors[name] for name in spec.tensors if name in tensors}
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    check_shapes(path, shapes, spec, "give a GoogLeNet")
    return Foreign(spec=spec, tensors=ordered)


class Graph:
    """The nodes of a graph by what they make, and its constants."""

    def __init__(self, path: Path) -> None:
        import onnx
        from onnx import numpy_helper

        if path.stat().st_size > _MAX_BYTES:
            raise ModelFileError(f"{path}: is larger than {_MAX_BYTES >> 20} MiB; no GoogLeNet is")
        try:
            model = onnx.load_model_from_string(path.read_bytes())
        except Exception as error:  # the parser's own kinds
            raise ModelFileError(f"{path}: is no whole ONNX file ({error}); fetch it again") from error
        if any(tensor.external_data for tensor in model.graph.initializer):
            raise ModelFileError(f"{path}: keeps its weights in other files; save it as one file (onnx.save_model)")
        self.nodes = list(model.graph.node)
        self.producers = {name: node for node in self.nodes for name in node.output}
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._constants |= {
            node.output[0]: attribute.t
            for node in self.nodes
            if node.op_type == "Constant"
            for attribute in node.attribute
            if attribute.name == "value"
        }
        self._to_array = numpy_helper.to_array
        self.inputs = list(model.graph.input)
        self.outputs = [value.name for value in model.graph.output]
        self.output = self.outputs[0] if self.outputs else ""
        self.opsets = {entry.domain: entry.version for entry in model.opset_import}

    def constant(self, name: str) -> NDArray[np.float32] | None:
        """The value of a constant as float32; None where the name is computed from the input."""
        while name not in self._constants:
            node = self.producers.get(name)
            if node is None or node.op_type != "Identity":
                return None
            name = node.input[0]
        value: NDArray[np.float32] = np.ascontiguousarray(self._to_array(self._constants[name]), np.float32)
        return value

    def raw_constant(self, name: str) -> NDArray[Any] | None:
        """The value of a constant in its own type; None where the graph holds none of that name."""
        return self._to_array(self._constants[name]) if name in self._constants else None

    def readers(self, name: str) -> list[Any]:
        """The nodes that read a value."""
        return [node for node in self.nodes if name in node.input]

    def back(self, name: str) -> Iterator[Any]:
        """The nodes before a value, along the first input that is computed, the last first."""
        while node := self.producers.get(name):
            yield node
            computed = [value for value in node.input if value and self.constant(value) is None]
            if not computed:
                return
            name = computed[0]


def attribute(node: Any, name: str) -> list[int]:
    """An attribute of integers; empty where it is not given."""
    return next((list(entry.ints) or [entry.i] for entry in node.attribute if entry.name == name), [])


def _find_units(path: Path, graph: Graph) -> dict[str, _Unit]:
    """Layer name -> its convolution, in the order of computation."""
    concats = [node for node in graph.nodes if node.op_type == "Concat" and len(node.input) == len(_BRANCHES)]
    if len(concats) != len(TABLE_1):
        raise ModelFileError(f"{path}: has {len(concats)} concatenations of 4 branches, a GoogLeNet has 9; give one")
    stem = _convolutions_back(graph, concats[0].input[3])[1:]
    names = ("conv2/3x3", "conv2/3x3_reduce", "conv1/7x7_s2")
    if len(stem) != len(names):
        raise ModelFileError(f"{path}: has {len(stem)} convolutions before the first module, a GoogLeNet has 3")
    units = dict(reversed(list(zip(names, stem, strict=True))))
    for module, concat in zip(TABLE_1, concats, strict=True):
        for branch, value in zip(_BRANCHES, concat.input, strict=True):
            found = _convolutions_back(graph, value, limit=len(branch))
            units |= {f"inception_{module.name}/{layer}": unit for layer, unit in zip(branch, found, strict=False)}
    return units


def _convolutions_back(graph: Graph, value: str, limit: int = 99) -> list[_Unit]:
    """The convolutions before a value, the last first, up to ``limit``."""
    units: list[_Unit] = []
    norm = None
    for node in graph.back(value):
        if node.op_type == "BatchNormalization":
            norm = node
        elif node.op_type == "Conv":
            units.append(_Unit(node, norm))
            norm = None
            if len(units) == limit:
                break
    return units


def _unit_tensors(path: Path, graph: Graph, layer: str, unit: _Unit) -> dict[str, NDArray[np.float32]]:
    names = {f"{layer}/weight": unit.conv.input[1]}
    if len(unit.conv.input) > 2 and unit.conv.input[2]:
        names[f"{layer}/bias"] = unit.conv.input[2]
    if unit.norm is not None:
        names |= {f"{layer}/norm/{role}": value for role, value in zip(_NORM_ROLES, unit.norm.input[1:], strict=True)}
    tensors = {name: graph.constant(value) for name, value in names.items()}
    computed = [name for name, tensor in tensors.items() if tensor is None]
    if computed:
        raise ModelFileError(f"{path}: computes {computed[0]} while it runs; export it with constant weights")
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}


def _classifier(path: Path, graph: Graph) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight (classes, features) and bias (classes,) of the last matrix product before the first output."""
    bias = None
    for node in graph.back(graph.output):
        constants = [value for name in node.input if (value := graph.constant(name)) is not None]
        if node.op_type == "Add" and len(constants) == 1:
            bias = constants[0].reshape(-1)
        if node.op_type in ("Gemm", "MatMul") and constants:
            weight = constants[0]
            if node.op_type == "MatMul" or attribute(node, "transB") in ([], [0]):
                weight = np.ascontiguousarray(weight.T)
            bias = constants[1].reshape(-1) if len(constants) > 1 else bias
            return weight, np.zeros(len(weight), np.float32) if bias is None else bias
    raise ModelFileError(f"{path}: has no fully connected layer before its output; give a GoogLeNet that classifies")


def _spec(graph: Graph, units: dict[str, _Unit], tensors: dict[str, NDArray[np.float32]]) -> Spec:
    """The known network that is nearest, changed where the graph differs from it."""
    norm = units["conv1/7x7_s2"].norm
    kernel = tensors["inception_3a/5x5/weight"].shape[-1]
    has_lrn = _has_lrn(graph, units)
    pads = attribute(units["conv1/7x7_s2"].conv, "pads")
    same = pads == [2, 2, 3, 3] or not any(pads or [0])
    name = "paper" if has_lrn else ("slim" if same else "torchvision") if kernel == 3 else "tutorial"
    known = variant(name, len(tensors[f"{OUTPUTS['main']}/bias"]), aux_heads=False)
    return replace(
        known,
        kernel5x5=kernel,
        conv_bias="conv1/7x7_s2/bias" in tensors,
        batch_norm=None if norm is None else BatchNorm(eps=_epsilon(norm)),
        lrn=LRN() if has_lrn else None,
        pool4_kernel=_pool4_kernel(graph, units),
    )


def _epsilon(node: Any) -> float:
    return next((float(f"{entry.f:.6g}") for entry in node.attribute if entry.name == "epsilon"), 1e-5)


def _has_lrn(graph: Graph, units: dict[str, _Unit]) -> bool:
    """Whether anything but pooling and ReLU stands between conv1 and conv2; what exactly, running both shows."""
    plain = {"MaxPool", "Relu", "Conv", "BatchNormalization", "Identity", "Pad", "Dropout"}
    between = []
    for node in graph.back(units["conv2/3x3_reduce"].conv.input[0]):
        if node.op_type == "Conv":
            break
        between.append(node.op_type)
    return not set(between) <= plain


def _pool4_kernel(graph: Graph, units: dict[str, _Unit]) -> int:
    for node in graph.back(units["inception_5a/1x1"].conv.input[0]):
        if node.op_type == "MaxPool":
            return attribute(node, "kernel_shape")[0]
    return 3
