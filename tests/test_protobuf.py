"""Protobuf fields against Google's library, and hostile bytes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from googlenet.protobuf import Message, WireError, read_fields, read_varints


def test_written_messages_are_read_by_google_s_library() -> None:
    message = Message()
    message.add(1, "name")
    message.add(2, 0.5)
    message.add(3, -7)
    message.add(4, b"\x00\xff")
    for value in (1, 300, 1 << 40, -1):
        message.add(8, value)
    tensor = Message()
    tensor.add(8, "inner")
    message.add(5, tensor)
    attribute = onnx.AttributeProto.FromString(message.to_bytes())
    assert (attribute.name, attribute.f, attribute.i, attribute.s) == ("name", 0.5, -7, b"\x00\xff")
    assert (list(attribute.ints), attribute.t.name) == ([1, 300, 1 << 40, -1], "inner")


@pytest.mark.parametrize("count", [1, 15, 16, 17, 1000])
def test_runs_of_fixed_fields_come_as_one_array(count: int) -> None:
    values = np.random.default_rng(0).standard_normal(count).astype("<f4")
    attribute = onnx.AttributeProto(name="a", floats=values, i=5)  # proto2: repeated floats are not packed
    fields = list(read_fields(memoryview(attribute.SerializeToString())))
    assert [number for number, _ in fields] == [1, 3, 7]
    run = fields[2][1]
    assert isinstance(run, np.ndarray)
    assert np.array_equal(np.frombuffer(run.tobytes(), "<f4"), values)


def test_a_run_ends_where_another_field_begins() -> None:
    message = Message()
    for value in (1.0, 2.0):
        message.add(7, value)
    message.add(2, 3.0)
    message.add(7, 4.0)
    fields = [
        (number, len(run)) for number, run in read_fields(memoryview(message.to_bytes())) if not isinstance(run, int)
    ]
    assert fields == [(7, 2), (2, 1), (7, 1)]


def test_repeated_integers_in_either_form() -> None:
    assert read_varints(5) == [5]
    assert read_varints(memoryview(b"\x01\xac\x02")) == [1, 300]
    with pytest.raises(WireError, match="where integers were expected"):
        read_varints(np.zeros((1, 4), np.uint8))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x08", "cut short inside a number"),
        (b"\x08" + b"\xff" * 10, "more than 64 bits"),
        (b"\x0a\x05abc", "declares 5 bytes, 3 are left"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "declares"),
        (b"\x0d\x00\x00", "cut short inside a 4-byte value"),
        (b"\x09" + bytes(7), "cut short inside a 8-byte value"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x01", "field number 0"),
        (b"\x08\x01" * ((1 << 20) + 1), "fields in one message"),
    ],
)
def test_hostile_bytes_are_refused(content: bytes, says: str) -> None:
    with pytest.raises(WireError, match=says):
        list(read_fields(memoryview(content)))
