"""What a file of weights is, told from its content: extensions lie."""

from __future__ import annotations

import os
from collections import Counter
from enum import Enum
from pathlib import Path

from googlenet.errors import ModelFileError
from googlenet.protobuf import WireError, read_fields


class FileKind(Enum):
    """The kinds told apart; the value is what a person calls one."""

    SAFETENSORS = "a safetensors file"
    CAFFE = "a Caffe model (.caffemodel)"
    CAFFE_TEXT = "a Caffe network definition (.prototxt), which holds no weights"
    ONNX = "an ONNX model"
    PYTORCH = "a PyTorch checkpoint (.pt, .pth), a pickle inside"
    PICKLE = "a Python pickle"
    KERAS = "a Keras model (.keras)"
    HDF5 = "an HDF5 file (.h5)"
    ZIP = "a zip archive"
    TENSORFLOW = "a TensorFlow checkpoint (its .index file, or one of version 1)"
    EMPTY = "an empty file"
    UNKNOWN = "of no kind known here"


_SIGNATURES = {b"\x89HDF\r\n\x1a\n": FileKind.HDF5, b"PK\x03\x04": FileKind.ZIP}
_TABLE_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")  # the end of a LevelDB table, which checkpoints are
_PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


def kind_of(path: Path) -> FileKind:
    """The kind of the file ``path``; raises ``ModelFileError`` when it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(1 << 20)
            file.seek(-min(len(start), len(_TABLE_MAGIC)), os.SEEK_END)
            end = file.read()
        whole = len(start) == path.stat().st_size
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be read ({error.strerror}); give the path of an existing model file"
        ) from error
    if not start:
        return FileKind.EMPTY
    if end == _TABLE_MAGIC:
        return FileKind.TENSORFLOW
    if start[8:10] == b'{"' and int.from_bytes(start[:8], "little") < 1 << 32:
        return FileKind.SAFETENSORS
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            return _kind_of_zip(path) if kind is FileKind.ZIP else kind
    if start.startswith(_PICKLE_STARTS):
        return FileKind.PICKLE
    return _kind_of_protobuf(memoryview(start), whole) or _kind_of_text(start)


def _kind_of_zip(path: Path) -> FileKind:
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return FileKind.ZIP
    if any(name.endswith("data.pkl") for name in names):
        return FileKind.PYTORCH
    return FileKind.KERAS if "model.weights.h5" in names else FileKind.ZIP


def _kind_of_protobuf(start: memoryview, whole: bool) -> FileKind | None:
    """Told by the numbers of the fields at the top level, as far as the first megabyte shows them."""
    numbers: Counter[int] = Counter()
    is_integer = {}
    try:
        for number, value in read_fields(start):
            numbers[number] += 1
            is_integer[number] = isinstance(value, int)
    except WireError:
        if whole and not numbers:
            return None
    if is_integer.get(1) and (7 in numbers or not whole):  # ir_version; graph
        return FileKind.ONNX
    # NetParameter has one name and then layers; TensorFlow's GraphDef has many fields of number 1.
    if numbers[1] <= 1 and (numbers[2] or numbers[100]) and set(numbers) <= {1, 2, 3, 4, 5, 6, 7, 8, 100}:
        return FileKind.CAFFE
    return None


def _kind_of_text(start: bytes) -> FileKind:
    try:
        text = start[:4096].decode()
    except UnicodeDecodeError:
        return FileKind.UNKNOWN
    return FileKind.CAFFE_TEXT if "layer" in text and "{" in text and "name:" in text else FileKind.UNKNOWN
