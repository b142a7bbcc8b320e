"""int8: made with training images, judged on validation images, local response norm left in float."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from googlenet.data.index import Dataset, Split, read_dataset
from googlenet.engines import open_engine
from googlenet.errors import DataError, ModelFileError, SettingsError
from googlenet.export import export, int8, verify
from googlenet.export.contract import read_export
from googlenet.export.export import Exported, export_model
from googlenet.export.int8 import Int8Data, Measured, check_drop
from googlenet.export.opening import open_for_answers
from googlenet.export.targets import open_export
from googlenet.export.verify import verify_export
from googlenet.settings import ExportSettings, ExportTarget
from googlenet.variants import paper
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors


@pytest.fixture
def model(tiny_model: SealedModel) -> SealedModel:
    """With local response norm, and activations that it has something to do with."""
    spec = paper(3, aux_heads=False).scaled(1 / 16)
    tensors = random_tensors(spec)
    tensors["conv1/7x7_s2/weight"] *= 60
    return replace(tiny_model, spec=spec, tensors=tensors)


@pytest.fixture
def data(colour_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, model: SealedModel) -> Dataset:
    monkeypatch.setattr(int8, "_TIMED", 2)
    return read_dataset(colour_folder(per_class=12), classes=model.classes)


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_it_is_small_and_nearly_the_same(
    model: SealedModel, data: Dataset, tmp_path: Path, target: ExportTarget, capfd: pytest.CaptureFixture[str]
) -> None:
    for package in ("openvino", "nncf") if target == "openvino" else ():
        pytest.importorskip(package, reason=f"{package} is not installed")
    settings = ExportSettings(to=target, precision="int8", max_drop=100)
    done = export_model(model, tmp_path / "e", settings, data)
    fp32, quantised = done.table
    assert (fp32.precision, quantised.precision) == ("fp32", "int8")
    assert fp32.agreement == 1
    assert quantised.agreement == 1
    images = next(Int8Data(data, model).calibration_batches(8))
    expected, found = open_engine(model).logits(images), open_export(done.export).logits(images)
    assert 0 < np.abs(expected - found).max() < 0.1 * np.abs(expected).max()
    assert verify_export(read_export(tmp_path / "e")).passed
    assert capfd.readouterr().out == ""


def test_what_squares_stays_in_float(model: SealedModel, data: Dataset, tmp_path: Path) -> None:
    done = export_model(model, tmp_path / "e", ExportSettings(to="onnx", precision="int8", max_drop=100), data)
    file = onnx.load(done.export.model_path)
    onnx.checker.check_model(file)
    assert {entry.key for entry in file.metadata_props} == {"googlenet"}
    made_by = {output: node.op_type for node in file.graph.node for output in node.output}
    in_float = [node for node in file.graph.node if "/norm1/" in node.name or "/norm2/" in node.name]
    assert {node.op_type for node in in_float} == {"Mul", "Conv", "Sqrt"}
    assert not [node.name for node in in_float if node.op_type == "Conv" and node.input[1] in made_by]
    convolutions = [node for node in file.graph.node if node.op_type == "Conv" and node not in in_float]
    assert len(convolutions) == 57
    assert {made_by.get(node.input[1]) for node in convolutions} == {"DequantizeLinear"}


def test_it_is_calibrated_on_training_images_alone(model: SealedModel, data: Dataset) -> None:
    batches = list(Int8Data(data, model).calibration_batches(1))
    assert len(batches) == len(data.select(Split.TRAIN))
    assert batches[0].shape == (1, 3, 64, 64)
    assert {len(batch) for batch in Int8Data(data, model).calibration_batches(4)} == {4}


def test_more_loss_than_allowed_is_refused(model: SealedModel, data: Dataset, tmp_path: Path) -> None:
    rows = [Measured(name, 1, 1.0, 1.0, top1, 1.0) for name, top1 in (("fp32", 0.94), ("int8", 0.932))]
    check_drop(rows, 0.9)
    with pytest.raises(ModelFileError, match=r"93\.2 % .* fp32 94\.0 %: 0\.8 points are lost, --max-drop is 0\.5"):
        check_drop(rows, 0.5)


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_where_too_much_is_lost_the_last_modules_stay_in_float(
    model: SealedModel, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: ExportTarget
) -> None:
    for package in ("openvino", "nncf") if target == "openvino" else ():
        pytest.importorskip(package, reason=f"{package} is not installed")
    small = export_model(model, tmp_path / "small", ExportSettings(to=target, precision="int8", max_drop=100), data)
    worse = iter((0.8, 0.1))  # of the first attempt and of the second
    monkeypatch.setattr(export, "check_drop", lambda rows, most: check_drop(_lost(rows, next(worse)), most))
    done = export_model(model, tmp_path / "e", ExportSettings(to=target, precision="int8"), data)
    assert done.float_layers == ("pool1/norm1", "conv2/norm2", "inception_5", "loss3/classifier")
    kept = sum(t.nbytes for name, t in model.tensors.items() if name.startswith(("inception_5", "loss3/")))
    # Three fourths of it, but for what the scales of so small a network's channels took.
    assert _weight_bytes(done) - _weight_bytes(small) > kept / 5
    assert sorted(path.name for path in tmp_path.iterdir() if "partial" in path.name) == []
    worse = iter((0.8, 0.8))
    with pytest.raises(ModelFileError, match="points are lost"):
        export_model(model, tmp_path / "f", ExportSettings(to=target, precision="int8"), data)
    assert not (tmp_path / "f").exists()


def _weight_bytes(done: Exported) -> int:
    path = done.export.model_path
    return (path.with_suffix(".bin") if path.suffix == ".xml" else path).stat().st_size


def _lost(rows: Sequence[Measured], points: float) -> list[Measured]:
    return [rows[0], replace(rows[1], top1=rows[0].top1 - points / 100)]


def test_data_and_int8_go_together(model: SealedModel, data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--int8 and --calibrate go together"):
        export_model(model, tmp_path / "e", ExportSettings(to="onnx", precision="int8"))
    with pytest.raises(SettingsError, match="go together"):
        export_model(model, tmp_path / "e", ExportSettings(to="onnx"), data)
    empty = replace(data, splits=np.full_like(data.splits, Split.TRAIN))
    with pytest.raises(DataError, match="has no validation images"):
        export_model(model, tmp_path / "e", ExportSettings(to="onnx", precision="int8"), empty)
    assert not (tmp_path / "e").exists()


def test_answers_that_are_other_ones_here_are_refused(
    model: SealedModel, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a processor whose sums saturate."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    export_model(model, tmp_path / "e", ExportSettings(to="onnx", precision="int8", max_drop=100), data)
    right = verify.probe_logits
    monkeypatch.setattr(verify, "probe_logits", lambda *arguments: right(*arguments) * 1.2)
    with pytest.raises(ModelFileError, match="without VNNI; take an fp32 export"):
        open_for_answers(tmp_path / "e")
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _, opening = open_for_answers(tmp_path / "e")
    assert opening().logits(np.zeros((1, 3, 64, 64), np.float32)).shape == (1, 3)
    monkeypatch.setattr(verify, "probe_logits", None)  # not looked at again
    open_for_answers(tmp_path / "e")
    with pytest.raises(SettingsError, match="--precision is fp32, but"):
        open_for_answers(tmp_path / "e", precision="fp32")
