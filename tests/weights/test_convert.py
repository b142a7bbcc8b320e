"""Foreign checkpoints: told by their content, labelled, and never written over by accident."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from googlenet.data.classes import ClassName
from googlenet.errors import ModelFileError
from googlenet.network.onnx_net import onnx_bytes
from googlenet.variants import batch_norm, paper
from googlenet.weights.caffe import spec_of
from googlenet.weights.convert import convert, open_model, save_new
from googlenet.weights.file_kind import FileKind, kind_of
from googlenet.weights.labels import read_labels
from googlenet.weights.model_file import SealedModel, read_model
from tests.conftest import random_tensors


def _zip(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return content.getvalue()


def _onnx() -> bytes:
    spec = batch_norm(3, aux_heads=False).scaled(1 / 16)
    return onnx_bytes(spec, random_tensors(spec))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", FileKind.EMPTY),
        (pickle.dumps({"a": 1}), FileKind.PICKLE),
        (_zip("archive/data.pkl", "archive/version"), FileKind.PYTORCH),
        (_zip("config.json", "model.weights.h5"), FileKind.KERAS),
        (_zip("a.txt"), FileKind.ZIP),
        (b"PK\x03\x04 and then nothing", FileKind.ZIP),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), FileKind.HDF5),
        (_onnx(), FileKind.ONNX),
        (b'name: "GoogleNet"\nlayer {\n  name: "data"\n}\n', FileKind.CAFFE_TEXT),
        (b"a text about nothing", FileKind.UNKNOWN),
        (bytes(range(256)), FileKind.UNKNOWN),
    ],
)
def test_kinds_are_told_by_content(tmp_path: Path, content: bytes, kind: FileKind) -> None:
    path = tmp_path / "model.caffemodel.png"
    path.write_bytes(content)
    assert kind_of(path) is kind
    says = f"model.caffemodel.png: is {kind.value}; convert reads Caffe's"
    if kind in (FileKind.PICKLE, FileKind.PYTORCH, FileKind.ONNX, FileKind.KERAS):
        says = "model.caffemodel.png: "  # opened, and refused for what is in it
    with pytest.raises(ModelFileError, match=re.escape(says)):
        convert(path)


def test_a_large_onnx_file_is_told_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "big"
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    weight = onnx.numpy_helper.from_array(np.zeros(1 << 19, np.float32), "w")
    path.write_bytes(onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [], [weight])).SerializeToString())
    assert kind_of(path) is FileKind.ONNX


def test_bvlc_s_file_is_caffe_s_whatever_it_is_called(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.onnx").symlink_to(shared / "weights/bvlc_googlenet.caffemodel")
    assert kind_of(tmp_path / "weights.onnx") is FileKind.CAFFE
    with pytest.raises(ModelFileError, match=r"googlenet convert .*weights\.onnx model\.safetensors"):
        read_model(tmp_path / "weights.onnx")
    model = convert(tmp_path / "weights.onnx").model
    assert model.spec == paper(aux_heads=False)
    assert model.classes[999] == ClassName("class_999", "class_999")


def test_what_bvlc_s_network_was_trained_with_is_recorded(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "imagenet.safetensors"
    convert(shared / "weights/bvlc_googlenet.caffemodel", labels=shared / "weights/synset_words.txt").model.save(path)
    model = read_model(path)
    wanted = {"resize": "warp", "resize_size": 256, "crop_size": 224, "channel_order": "BGR", "mean": (104, 117, 123)}
    assert {name: getattr(model.preprocessing, name) for name in wanted} == wanted
    assert model.preprocessing.filter == "bilinear"
    assert model.classes[0] == ClassName("n01440764", "tench, Tinca tinca")
    assert model.record["source_sha256"] == "db2c137b8d906d3be70da2ec388b80662ab7bdc494620091273afaad950d016a"


def test_a_sealed_file_is_opened_but_not_converted(tiny_model: SealedModel, tmp_path: Path) -> None:
    path = tmp_path / "tiny.caffemodel"
    tiny_model.save(path)
    assert open_model(path).classes == tiny_model.classes
    with pytest.raises(ModelFileError, match="is a sealed model already"):
        convert(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"gone\.caffemodel: cannot be read \(No such file"):
        convert(tmp_path / "gone.caffemodel")


def test_an_existing_file_is_replaced_only_when_told(tiny_model: SealedModel, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_text("precious")
    with pytest.raises(ModelFileError, match=r"model\.safetensors: exists already"):
        save_new(tiny_model, path)
    assert path.read_text() == "precious"
    save_new(tiny_model, path, overwrite=True)
    assert read_model(path).spec == tiny_model.spec


def test_labels_are_synsets_or_names(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("n01440764 tench, Tinca tinca\n\nnice red panda\n大熊猫\nn02123045\n", encoding="utf-8-sig")
    assert read_labels(path, 4) == (
        ClassName("n01440764", "tench, Tinca tinca"),
        ClassName("nice red panda", "nice red panda"),
        ClassName("大熊猫", "大熊猫"),
        ClassName("n02123045", "n02123045"),
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"cat\ndog\n", "has 2 labels for a network of 3 classes"),
        (b"cat\ndog\ncat\n", "has the same label twice"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=says):
        read_labels(path, 3)


def test_the_spec_is_deduced_with_heads_and_without() -> None:
    for aux_heads in (True, False):
        tensors = {name: np.empty(shape, np.float32) for name, shape in paper(7, aux_heads=aux_heads).tensors.items()}
        assert spec_of(Path("a"), tensors) == paper(7, aux_heads=aux_heads)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop("inception_4c/5x5/bias"), "'inception_4c/5x5/bias' is missing"),
        (lambda t: t.update({"loss1/conv/weight": t["conv1/7x7_s2/bias"]}), "loss1/conv/weight has the shape 64"),
        (lambda t: t.update({"fire2/weight": t["conv1/7x7_s2/bias"]}), "'fire2/weight' is of no layer"),
        (lambda t: t.pop("loss3/classifier/weight"), "no layer 'loss3/classifier'"),
        (
            lambda t: t.update({"inception_3a/5x5/weight": np.empty((32, 16, 3, 3), np.float32)}),
            "inception_3a/5x5/weight has the shape 32x16x3x3, 32x16x5x5 was expected",
        ),
    ],
)
def test_another_network_is_refused_by_what_does_not_fit(change: object, says: str) -> None:
    tensors = {name: np.empty(shape, np.float32) for name, shape in paper(7, aux_heads=False).tensors.items()}
    assert callable(change)
    change(tensors)
    with pytest.raises(ModelFileError, match=says):
        spec_of(Path("a"), tensors)
