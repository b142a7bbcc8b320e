"""Protocol-buffer messages read and written field by field, without the library and without generated classes.

Two formats of this package are protobuf: ``.caffemodel`` and ONNX. The handful of their fields in use is written down
where it is used; reading stays safe on hostile input because nothing is allocated beyond the bytes at hand, and a
prediction starts without the 80 ms that ``import onnx`` takes.
Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Value: TypeAlias = "int | memoryview | NDArray[np.uint8]"
Buffer: TypeAlias = "bytes | memoryview"

_MAX_FIELDS = 1 << 20  # of one message; a GoogLeNet's has some hundreds, a hostile file as many as it has bytes


class WireError(ValueError):
    """The bytes are not a protobuf message; the text says where and why."""


class Message:
    """A message being written. Fields keep their order; big buffers are not copied before ``to_bytes``."""

    def __init__(self) -> None:
        self._chunks: list[Buffer] = []
        self._size = 0

    def add(self, number: int, value: int | float | str | Buffer | Message) -> None:
        """Append field ``number``. An int is a varint, a float is 32 bits wide."""
        match value:
            case int():
                self._write(_tag(number, VARINT) + _varint(value))
            case float():
                self._write(_tag(number, FIXED32) + struct.pack("<f", value))
            case Message():
                self._write(_tag(number, BYTES) + _varint(value._size))
                self._chunks += value._chunks
                self._size += value._size
            case _:
                content = value.encode() if isinstance(value, str) else value
                self._write(_tag(number, BYTES) + _varint(len(content)))
                self._write(content)

    def to_bytes(self) -> bytes:
        """The message as it stands in a file."""
        return b"".join(self._chunks)

    def _write(self, chunk: Buffer) -> None:
        self._chunks.append(chunk)
        self._size += len(chunk)


def read_fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """The fields of ``message`` in the order of the file, as (number, value).

    A varint comes as int (unsigned, 64 bits), bytes, text and messages as a view. Fields of fixed width come as an
    array (n, 4) or (n, 8) of bytes, neighbours with one tag together: an unpacked ``repeated float`` of millions of
    values is one array. Raises ``WireError`` where the message is cut short or is none.
    """
    position = count = 0
    while position < len(message):
        start, count = position, count + 1
        if count > _MAX_FIELDS:
            raise WireError(f"more than {_MAX_FIELDS} fields in one message")
        tag, position = _read_varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise WireError(f"field number 0 at byte {start}")
        if wire_type == VARINT:
            value, position = _read_varint(message, position)
            yield number, value
        elif wire_type == BYTES:
            length, position = _read_varint(message, position)
            if length > len(message) - position:
                raise WireError(f"field {number} declares {length} bytes, {len(message) - position} are left")
            yield number, message[position : position + length]
            position += length
        elif wire_type in (FIXED32, FIXED64):
            run = _fixed_run(message, start, position - start, 4 if wire_type == FIXED32 else 8)
            yield number, run
            position = start + len(run) * (position - start + run.shape[1])
        else:
            raise WireError(f"wire type {wire_type} at byte {start}")


def read_varints(value: Value) -> list[int]:
    """A ``repeated int64`` in either form: one varint, or a packed run of them."""
    if isinstance(value, int):
        return [value]
    if not isinstance(value, memoryview):
        raise WireError("a fixed-width field where integers were expected")
    numbers, position = [], 0
    while position < len(value):
        number, position = _read_varint(value, position)
        numbers.append(number)
    return numbers


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers are written in two's complement, 64 bits wide
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _read_varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise WireError(f"cut short inside a number at byte {position}")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, position
    raise WireError(f"a number of more than 64 bits before byte {position}")


def _fixed_run(message: memoryview, start: int, tag_size: int, width: int) -> NDArray[np.uint8]:
    stride = tag_size + width
    whole = (len(message) - start) // stride
    if whole == 0:
        raise WireError(f"cut short inside a {width}-byte value at byte {start}")
    records = np.frombuffer(message, np.uint8, whole * stride, start).reshape(whole, stride)
    count, block = 0, 16  # blocks that double keep the search proportional to the run that it finds
    while count < whole:
        same = (records[count : count + block, :tag_size] == records[0, :tag_size]).all(axis=1)
        if not same.all():
            count += int(same.argmin())
            break
        count, block = count + len(same), block * 2
    return records[:count, tag_size:]
