"""The reader of .caffemodel files: both kinds of layer, hostile bytes, and BVLC's network against known figures."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from googlenet.data.preprocess import normalise, prepare
from googlenet.engines import open_engine
from googlenet.engines.softmax import softmax
from googlenet.errors import ModelFileError
from googlenet.variants import paper
from googlenet.weights.caffe import read_caffemodel
from googlenet.weights.convert import convert
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _blob(values: np.ndarray, *, legacy: bool) -> bytes:
    if legacy:
        dims = (1,) * (4 - values.ndim) + values.shape
        shape = b"".join(_varint(i << 3) + _varint(size) for i, size in enumerate(dims, 1))
        data = b"".join(_varint(5 << 3 | 5) + struct.pack("<f", x) for x in values.ravel())
        return shape + data
    shape = _field(7, _field(1, b"".join(_varint(size) for size in values.shape)))
    return shape + _field(5, values.astype("<f4").tobytes())


def _write(path: Path, tensors: dict[str, np.ndarray], *, legacy: bool) -> Path:
    """A caffemodel by the published protobuf fields, written independently of the reader."""
    name_field, blobs_field, layer_field = (4, 6, 2) if legacy else (1, 7, 100)
    parts = [_field(1, b"GoogleNet")]
    for layer in dict.fromkeys(name.rsplit("/", 1)[0] for name in tensors):
        blobs = [_blob(tensors[f"{layer}/{kind}"], legacy=legacy) for kind in ("weight", "bias")]
        body = _field(name_field, layer.encode()) + b"".join(_field(blobs_field, blob) for blob in blobs)
        parts.append(_field(layer_field, body))
    path.write_bytes(b"".join(parts))
    return path


@pytest.mark.parametrize("legacy", [True, False])
def test_both_kinds_of_layer(tmp_path: Path, legacy: bool) -> None:
    tensors = random_tensors(paper(7, aux_heads=False).scaled(1 / 16))
    found = read_caffemodel(_write(tmp_path / "net.caffemodel", tensors, legacy=legacy))
    assert set(found) == set(tensors)
    assert all(np.array_equal(found[name].reshape(tensors[name].shape), tensors[name]) for name in tensors)


def _layer(*blobs: bytes) -> bytes:
    return _field(100, _field(1, b"a") + b"".join(_field(7, blob) for blob in blobs))


def test_values_of_double_precision_and_a_shape_of_single_numbers(tmp_path: Path) -> None:
    values = np.arange(6, dtype="<f8") / 3
    shape = _field(7, b"".join(_varint(1 << 3) + _varint(size) for size in (2, 3)))
    path = tmp_path / "double.caffemodel"
    path.write_bytes(_layer(shape + _field(8, values.tobytes())))
    (tensor,) = read_caffemodel(path).values()
    assert tensor.dtype == np.float32
    assert np.array_equal(tensor, values.astype(np.float32).reshape(2, 3))


_FOUR = np.zeros(4, np.float32)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_layer(_blob(_FOUR, legacy=False)) * 2, "a/weight stands in it twice"),
        (_layer(_field(7, _field(1, b"\x05")) + _field(5, _FOUR.tobytes())), "declares 5 values and holds 4"),
        (_layer(_field(7, _field(1, b"\xff\xff\xff\xff\x7f" * 3))), "values and holds 0"),
        (_layer(_varint(5 << 3) + b"\x01"), "an integer among its values"),
        (_field(100, _field(1, b"\xff\xfe")), "a layer's name is no text"),
        (_varint(100 << 3) + b"\x01", "a number where a message was expected"),
        (_layer(_field(7, _varint(1 << 3 | 5) + bytes(4))), "where integers were expected"),
        (_field(100, _field(1, b"a")), "holds no layer with weights"),
    ],
)
def test_blobs_that_contradict_themselves_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.caffemodel"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=says):
        read_caffemodel(path)


def test_a_file_larger_than_any_googlenet_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.caffemodel"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: a TiB that takes no disk
    with pytest.raises(ModelFileError, match="is larger than 256 MiB"):
        read_caffemodel(path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    tensors = random_tensors(paper(7, aux_heads=False).scaled(1 / 16))
    path = _write(tmp_path / "net.caffemodel", tensors, legacy=False)
    with pytest.raises(ModelFileError, match="conv1/7x7_s2"):
        convert(path)


@pytest.mark.parametrize(
    "content",
    [
        _field(100, b"\x0a\xff\xff\xff\xff\x7f"),  # a name of 32 GiB
        _varint(100 << 3 | 2) + _varint(1 << 40),  # a layer of a TiB
        b"\xff" * 64,  # a number without end
        _field(100, _field(1, b"a") + _field(7, _field(5, b"123"))),  # three bytes of floats
    ],
)
def test_hostile_bytes_end_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hostile.caffemodel"
    path.write_bytes(_field(1, b"GoogleNet") + content)
    with pytest.raises(ModelFileError, match=r"hostile\.caffemodel"):
        convert(path)


@pytest.fixture(scope="session")
def bvlc(shared: Path) -> SealedModel:
    return convert(shared / "weights/bvlc_googlenet.caffemodel", labels=shared / "weights/synset_words.txt").model


def test_bvlc_cut_short_is_refused(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.caffemodel"
    path.write_bytes((shared / "weights/bvlc_googlenet.caffemodel").read_bytes()[:-1000])
    with pytest.raises(ModelFileError, match=r"cut\.caffemodel"):
        convert(path)


def test_bvlc_counts_and_names(bvlc: SealedModel) -> None:
    assert sum(tensor.size for tensor in bvlc.tensors.values()) == 6_998_552
    assert (bvlc.classes[0].id, bvlc.classes[0].name) == ("n01440764", "tench, Tinca tinca")


# Rows 1 and 2 of an independent implementation that agrees with OpenCV; row 1 was resized without antialiasing.
@pytest.mark.parametrize(
    ("resize", "expected"),
    [
        ("warp", {282: 0.44391, 281: 0.28066, 285: 0.17926, 287: 0.02363, 283: 0.02164}),
        ("none", {283: 0.799136, 287: 0.078183, 282: 0.072627, 281: 0.029037, 904: 0.00244}),
    ],
)
def test_bvlc_s_cat(bvlc: SealedModel, shared: Path, resize: str, expected: dict[int, float]) -> None:
    changes = {"resize": resize, "filter": "bilinear-no-antialias"}
    preprocessing = bvlc.preprocessing.model_copy(update=changes)
    image = prepare(shared / "imagenet-samples/caffe_cat.jpg", preprocessing)
    probabilities = softmax(open_engine(bvlc).logits(image[None]))[0]
    for index, probability in expected.items():
        assert probabilities[index] == pytest.approx(probability, abs=1e-4)


def test_bvlc_s_ramp(bvlc: SealedModel) -> None:
    ramp = (np.arange(3 * 224 * 224) % 256).reshape(3, 224, 224)
    pixels = np.ascontiguousarray(ramp[::-1].transpose(1, 2, 0)).astype(np.uint8)  # the ramp is BGR
    probabilities = softmax(open_engine(bvlc).logits(normalise(pixels, bvlc.preprocessing)[None]))[0]
    for index, probability in {905: 0.950715, 753: 0.018641, 904: 0.015905}.items():
        assert probabilities[index] == pytest.approx(probability, abs=1e-4)


def test_bvlc_s_activations(bvlc: SealedModel, shared: Path) -> None:
    preprocessing = bvlc.preprocessing.model_copy(update={"resize": "none"})
    image = prepare(shared / "imagenet-samples/caffe_cat.jpg", preprocessing)
    expected = {
        "conv1/7x7_s2": (28.277528, 2519.5325),
        "pool1/norm1": (33.594875, 138.7246),
        "pool2/3x3_s2": (23.611574, 138.7263),
        "inception_3b/output": (5.559020, 526.1417),
        "inception_4a/output": (7.186671, 698.5021),
        "inception_4e/output": (1.337121, 328.4571),
        "inception_5b/output": (0.688727, 32.9357),
    }
    found = open_engine(bvlc).activations(image[None], list(expected))
    for name, (mean, maximum) in expected.items():
        assert found[name].mean() == pytest.approx(mean, rel=1e-3)
        assert found[name].max() == pytest.approx(maximum, rel=1e-3)


def test_labels_of_another_count_are_refused(shared: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\ndog\n")
    with pytest.raises(ModelFileError, match="has 2 labels for a network of 1000 classes"):
        convert(shared / "weights/bvlc_googlenet.caffemodel", labels=labels)
