"""Whether an ONNX file may be opened at all: told from its bytes before a runtime sees it.

The field numbers are those of onnx.proto; the package ``onnx`` is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from googlenet.errors import ModelFileError
from googlenet.protobuf import Value, WireError, read_fields

MAX_BYTES = 1 << 29
"""Larger files are refused: a GoogLeNet has 28 to 54 MB."""

_STANDARD = ("", "ai.onnx")
_QUANTISED = (*_STANDARD, "com.microsoft")  # onnxruntime's own quantised operators, inside the runtime itself
_MAX_DEPTH = 8


def check_onnx(path: Path) -> bytes:
    """The content of ``path``, which is one file, of operators that the runtime knows, and of a sane size.

    Raises ``ModelFileError`` saying which of these it is not.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelFileError(f"{path}: has {size >> 20} MiB, more than {MAX_BYTES >> 20}; no GoogLeNet is as large")
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}); give an existing ONNX file") from error
    try:
        _check_model(path, memoryview(content))
    except WireError as error:
        raise ModelFileError(f"{path}: is no whole ONNX file ({error}); fetch it again") from error
    return content


def _check_model(path: Path, model: memoryview) -> None:
    graphs = [value for number, value in read_fields(model) if number == 7]
    if not graphs:
        raise ModelFileError(f"{path}: has no graph, so it is no ONNX model; fetch it again")
    if any(number == 25 for number, _ in read_fields(model)):
        raise ModelFileError(f"{path}: defines functions of its own; export it without (inline them)")
    for graph in graphs:
        _check_graph(path, _message(graph), 0)


def _check_graph(path: Path, graph: memoryview, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ModelFileError(f"{path}: has graphs within graphs, more than {_MAX_DEPTH} deep; no GoogLeNet has")
    for number, value in read_fields(graph):
        if number == 1:
            _check_node(path, _message(value), depth)
        elif number == 5:
            _check_tensor(path, _message(value))


def _check_node(path: Path, node: memoryview, depth: int) -> None:
    fields = list(read_fields(node))
    domain, operator = (_text(fields, number) for number in (7, 4))
    if domain not in _QUANTISED:
        raise ModelFileError(
            f"{path}: has the custom operator {domain}::{operator}, whose code is not in the file; "
            "export the model with standard operators only"
        )
    for number, attribute in fields:
        if number == 5:
            for kind, value in read_fields(_message(attribute)):
                if kind in (5, 10):  # a tensor, tensors
                    _check_tensor(path, _message(value))
                elif kind in (6, 11):  # a graph, graphs
                    _check_graph(path, _message(value), depth + 1)


def _check_tensor(path: Path, tensor: memoryview) -> None:
    for number, value in read_fields(tensor):
        if number == 13 or (number == 14 and value == 1):
            place = next(_locations(tensor), "another file")
            climbs = place.startswith(("/", "\\")) or ".." in place or ":" in place
            why = "outside its own folder, which is never opened" if climbs else "beside itself"
            raise ModelFileError(
                f"{path}: keeps weights in {place!r}, {why}; save it as one file (onnx.save_model with "
                "save_as_external_data=False)"
            )


def _locations(tensor: memoryview) -> Iterator[str]:
    for number, entry in read_fields(tensor):
        if number == 13:
            fields = list(read_fields(_message(entry)))
            if _text(fields, 1) == "location":
                yield _text(fields, 2)


def _text(fields: list[tuple[int, Value]], number: int) -> str:
    return next((bytes(_message(value)).decode(errors="replace") for found, value in fields if found == number), "")


def _message(value: Value) -> memoryview:
    if not isinstance(value, memoryview):
        raise WireError("a number where a message was expected")
    return value
