"""Weights as a ``.caffemodel`` that Caffe and OpenCV read (the newer kind of layer; fields as in ``caffe``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import ModelFileError
from googlenet.layers import Conv, Linear
from googlenet.protobuf import Message
from googlenet.saving import atomic_write
from googlenet.spec import Spec

_TYPES = {Conv: "Convolution", Linear: "InnerProduct"}


def write_caffemodel(path: Path, spec: Spec, tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """Write the weights under Caffe's layer names; raises ``ModelFileError`` for a network that Caffe's is not."""
    if spec.variant != "paper":
        raise ModelFileError(
            f"{path}: a {spec.variant!r} network is not bvlc_googlenet: its layers differ; keep it sealed"
        )
    net = Message()
    net.add(1, "GoogleNet")
    for layer in spec.layers:
        if isinstance(layer, Conv | Linear):
            net.add(100, _layer(layer, tensors))
    atomic_write(path, [net.to_bytes()])


def _layer(layer: Conv | Linear, tensors: Mapping[str, NDArray[np.float32]]) -> Message:
    message = Message()
    message.add(1, layer.name)
    message.add(2, _TYPES[type(layer)])
    for role in ("weight", "bias"):
        message.add(7, _blob(tensors[f"{layer.name}/{role}"]))
    return message


def _blob(values: NDArray[np.float32]) -> Message:
    shape = Message()
    for size in values.shape:
        shape.add(1, size)
    blob = Message()
    blob.add(7, shape)
    blob.add(5, np.ascontiguousarray(values, "<f4").tobytes())
    return blob
