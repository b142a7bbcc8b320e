"""An ONNX graph being written: operators, constants, and the bytes that a runtime reads.

The field numbers are those of onnx.proto. Written here rather than with the ``onnx`` package because importing that
takes longer than a prediction. Operator set 18 and IR version 8 are old enough for every runtime of the last years.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from googlenet.protobuf import Message

OPSET = 18
IR_VERSION = 8

Attribute: TypeAlias = int | float | str | Sequence[int]
Array: TypeAlias = "NDArray[np.float32] | NDArray[np.int64]"

_FLOAT, _UINT8, _INT64, _FLOAT16 = 1, 2, 7, 10  # TensorProto.DataType
_TYPES = {"float32": _FLOAT, "int64": _INT64, "float16": _FLOAT16}
_EXTERNAL = 1  # TensorProto.DataLocation
_HALF_LEAST, _HALF_MOST = 1e-3, 6e4  # of the largest value; 16 bits end at 65504 and are coarse below 6e-5
_SMALL = 1024  # bytes; a runtime wants to see small constants while it works out shapes
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_STRING, _ATTRIBUTE_INTS = 1, 2, 3, 7  # AttributeProto.AttributeType


class OnnxGraph:
    """Operators are added in the order of computation; a value is known by its name alone."""

    def __init__(self, *, external: bool = False, half: bool = False) -> None:
        """With ``external`` the big constants stay out of the bytes, in ``external``, for the runtime to be handed.

        With ``half`` they are stored in 16 bits and cast to 32 as the graph is loaded.
        """
        self.external: dict[str, Array] = {}
        self._is_external = external
        self._half = half
        self._graph = Message()
        self._constants: set[str] = set()

    def node(self, op: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> str:
        """Add an operator of one output; its own name is the output's. Returns ``output``."""
        node = Message()
        for name in inputs:
            node.add(1, name)
        node.add(2, output)
        node.add(3, output)
        node.add(4, op)
        for key, value in attributes.items():
            node.add(5, _attribute(key, value))
        self._graph.add(1, node)
        return output

    def constant(self, name: str, array: Array) -> str:
        """Add a constant, float32 or int64, once: a second one of the same name is taken for the same."""
        if name not in self._constants:
            self._constants.add(name)
            if self._half and array.nbytes > _SMALL and _fits_half(array):
                self._graph.add(5, _tensor(f"{name}/half", array.astype(np.float16), is_external=False))
                return self.node("Cast", [f"{name}/half"], name, to=_FLOAT)
            if is_external := self._is_external and array.nbytes > _SMALL:
                self.external[name] = array
            self._graph.add(5, _tensor(name, array, is_external))
        return name

    def to_bytes(
        self,
        inputs: Mapping[str, Sequence[int | str]],
        outputs: Mapping[str, Sequence[int | str]],
        metadata: Mapping[str, str] | None = None,
        *,
        pixels: bool = False,
    ) -> bytes:
        """The whole model for these inputs and outputs: name -> shape, a symbolic axis by its name.

        ``metadata`` becomes the file's ``metadata_props``, which every runtime can read. Values are float32; with
        ``pixels`` the inputs are uint8.
        """
        self._graph.add(2, "googlenet")
        for number, values in ((11, inputs), (12, outputs)):
            for name, shape in values.items():
                kind = _UINT8 if pixels and number == 11 else _FLOAT
                self._graph.add(number, _value_info(name, shape, kind))
        opset = Message()
        opset.add(2, OPSET)
        model = Message()
        model.add(1, IR_VERSION)
        model.add(2, "googlenet")
        model.add(7, self._graph)
        model.add(8, opset)
        for key, value in (metadata or {}).items():
            entry = Message()
            entry.add(1, key)
            entry.add(2, value)
            model.add(14, entry)
        return model.to_bytes()


def _fits_half(array: Array) -> bool:
    """Not the matrix of local response norm, say, whose values 16 bits round by a third of a percent."""
    largest = float(np.abs(array).max())
    return array.dtype == np.float32 and _HALF_LEAST < largest < _HALF_MOST


def _tensor(name: str, array: Array | NDArray[np.float16], is_external: bool) -> Message:
    tensor = Message()
    for size in array.shape:
        tensor.add(1, size)
    tensor.add(2, _TYPES[array.dtype.name])
    tensor.add(8, name)
    if is_external:
        location = Message()
        location.add(1, "location")
        location.add(2, "memory")
        tensor.add(13, location)
        tensor.add(14, _EXTERNAL)
    else:
        tensor.add(9, np.ascontiguousarray(array).reshape(-1).data.cast("B"))
    return tensor


def _attribute(name: str, value: Attribute) -> Message:
    message = Message()
    message.add(1, name)
    match value:
        case int():
            message.add(3, value)
            message.add(20, _ATTRIBUTE_INT)
        case float():
            message.add(2, value)
            message.add(20, _ATTRIBUTE_FLOAT)
        case str():
            message.add(4, value)
            message.add(20, _ATTRIBUTE_STRING)
        case _:
            for item in value:
                message.add(8, item)
            message.add(20, _ATTRIBUTE_INTS)
    return message


def _value_info(name: str, shape: Sequence[int | str], kind: int) -> Message:
    dims = Message()
    for size in shape:
        dim = Message()
        dim.add(1 if isinstance(size, int) else 2, size)
        dims.add(1, dim)
    tensor_type = Message()
    tensor_type.add(1, kind)
    tensor_type.add(2, dims)
    value_type = Message()
    value_type.add(1, tensor_type)
    info = Message()
    info.add(1, name)
    info.add(2, value_type)
    return info
