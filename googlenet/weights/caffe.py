"""Caffe's ``.caffemodel`` files, read without Caffe.

The fields in use, from caffe.proto: NetParameter ``layers`` (V1) = 2, ``layer`` = 100; V1LayerParameter name = 4,
type = 5, blobs = 6; LayerParameter name = 1, type = 2, blobs = 7; BlobProto num, channels, height, width = 1–4,
data = 5, shape = 7 {dim = 1}, double_data = 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import ModelFileError
from googlenet.protobuf import Value, WireError, read_fields, read_varints
from googlenet.spec import OUTPUTS, Spec
from googlenet.variants import paper
from googlenet.weights.matching import check_shapes

Tensors = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class _LayerFields:
    """The field numbers of one of the two kinds of layer, and its word for a fully connected one."""

    name: int
    type: int
    blobs: int
    inner_product: int | bytes


_LAYER_KINDS = {
    2: _LayerFields(name=4, type=5, blobs=6, inner_product=14),
    100: _LayerFields(name=1, type=2, blobs=7, inner_product=b"InnerProduct"),
}
_BLOB_NAMES = ("weight", "bias")
_LEGACY_DIMS = (1, 2, 3, 4)
_DATA, _SHAPE, _DOUBLE_DATA = 5, 7, 8
_MAX_BYTES = 1 << 28  # five times the largest GoogLeNet


def read_caffemodel(path: Path) -> Tensors:
    """The weights of a ``.caffemodel`` under their canonical names: Caffe's layer name, then ``/weight`` or ``/bias``.

    Convolutions are (out, in, kernel, kernel), fully connected layers (out, in), biases (out,), whatever rank the file
    gives them. Raises ``ModelFileError`` when the file cannot be read, is damaged or holds no weights.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ModelFileError(
                f"{path}: is larger than {_MAX_BYTES >> 20} MiB; no GoogLeNet is, give its .caffemodel"
            )
        content = memoryview(path.read_bytes())
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}); give the path of a .caffemodel") from error
    try:
        tensors = _read_net(content)
    except WireError as error:
        raise ModelFileError(f"{path}: is no whole .caffemodel ({error}); fetch the file again") from error
    if not tensors:
        raise ModelFileError(
            f"{path}: holds no layer with weights; give a trained .caffemodel, not a network definition"
        )
    return tensors


def spec_of(path: Path, tensors: Tensors) -> Spec:
    """The paper's network that these weights, read from ``path``, are of: with or without heads, for so many classes.

    Raises ``ModelFileError`` naming the first layer that does not fit when they are of another network.
    """
    classifier = f"{OUTPUTS['main']}/weight"
    if classifier not in tensors:
        raise ModelFileError(
            f"{path}: has no layer {OUTPUTS['main']!r}, GoogLeNet's classifier, its last layer is "
            f"{list(tensors)[-1].rpartition('/')[0]!r}; give the weights of a GoogLeNet in Caffe's naming"
        )
    heads = any(name.startswith(("loss1/", "loss2/")) for name in tensors)
    spec = paper(tensors[classifier].shape[0], aux_heads=heads)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    check_shapes(path, shapes, spec, "give the weights of BVLC's GoogLeNet")
    return spec


def _read_net(content: memoryview) -> Tensors:
    tensors: Tensors = {}
    for number, value in read_fields(content):
        if number not in _LAYER_KINDS:
            continue
        for name, tensor in _read_layer(_view(value), _LAYER_KINDS[number]).items():
            if name in tensors:
                raise WireError(f"{name} stands in it twice")
            tensors[name] = tensor
    return tensors


def _read_layer(content: memoryview, kind: _LayerFields) -> Tensors:
    name, is_linear, blobs = "", False, []
    for number, value in read_fields(content):
        if number == kind.name:
            name = _text(value)
        elif number == kind.type:
            is_linear = value == kind.inner_product
        elif number == kind.blobs:
            blobs.append(_view(value))
    tensors = {}
    for i, blob in enumerate(blobs):
        role = _BLOB_NAMES[i] if i < len(_BLOB_NAMES) else f"blob{i}"
        rank = {"weight": 2 if is_linear else 4}.get(role, 1)
        tensors[f"{name}/{role}"] = _read_blob(blob, f"{name}/{role}", rank)
    return tensors


def _read_blob(content: memoryview, name: str, rank: int) -> NDArray[np.float32]:
    legacy: dict[int, int] = {}
    shape: list[int] | None = None
    parts: list[NDArray[np.float32]] = []
    for number, value in read_fields(content):
        if number in _LEGACY_DIMS and isinstance(value, int):
            legacy[number] = value
        elif number == _SHAPE:
            shape = [dim for field, dims in read_fields(_view(value)) if field == 1 for dim in read_varints(dims)]
        elif number in (_DATA, _DOUBLE_DATA):
            parts.append(_floats(value, "<f4" if number == _DATA else "<f8", name))
    data = np.concatenate(parts) if parts else np.empty(0, np.float32)
    dims = shape if shape is not None else [legacy.get(i, 0) for i in _LEGACY_DIMS]
    if prod(dims) != data.size:
        raise WireError(f"{name} declares {'x'.join(map(str, dims)) or 'one'} values and holds {data.size}")
    while len(dims) > rank and dims[0] == 1:
        dims = dims[1:]
    return data.reshape(dims)


def _floats(value: Value, dtype: str, name: str) -> NDArray[np.float32]:
    if isinstance(value, int):
        raise WireError(f"{name} holds an integer among its values")
    content = value if isinstance(value, memoryview) else memoryview(value.tobytes())
    if len(content) % np.dtype(dtype).itemsize:
        raise WireError(f"{name} holds a broken last value")
    # Copied: the file's bytes need not be aligned, and would stay in memory as a whole for each tensor.
    return np.frombuffer(content, dtype).astype(np.float32)


def _view(value: Value) -> memoryview:
    if not isinstance(value, memoryview):
        raise WireError("a number where a message was expected")
    return value


def _text(value: Value) -> str:
    try:
        return str(_view(value), "utf-8")
    except UnicodeDecodeError as error:
        raise WireError("a layer's name is no text") from error
