"""An export is whole or absent, answers as the model does, and says so by its probes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import googlenet
from googlenet.data.preprocess import Preprocessing, prepare
from googlenet.engines import open_engine
from googlenet.errors import ModelFileError, SettingsError
from googlenet.evaluation.predict import predict_one
from googlenet.export.contract import Export, read_export
from googlenet.export.export import export_model
from googlenet.export.opening import open_for_answers
from googlenet.export.probes import make_probes
from googlenet.export.stages import pipeline, summarise
from googlenet.export.targets import open_export
from googlenet.export.verify import verify_export
from googlenet.settings import ExportSettings
from googlenet.weights.model_file import SealedModel, read_document
from tests.conftest import some_calibration

RULES = {
    "caffe": Preprocessing(
        resize="warp", resize_size=72, crop_size=64, channel_order="BGR", mean=(104, 117, 123), scale=(1, 1, 1)
    ),
    "shorter": Preprocessing(resize_size=72, crop_size=64),
    "as it lies": Preprocessing(resize_size=64, crop_size=64, orientation="ignore", filter="bicubic"),
    "opencv": Preprocessing(resize_size=80, crop_size=64, filter="bilinear-no-antialias"),
    "none": Preprocessing(resize="none", crop_size=96),
}


@pytest.fixture(scope="module")
def exported(tiny_model: SealedModel, tmp_path_factory: pytest.TempPathFactory) -> Export:
    return export_model(tiny_model, tmp_path_factory.mktemp("export") / "tiny", ExportSettings(to="onnx")).export


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_steps_end_where_prediction_begins(rule: Preprocessing) -> None:
    """Two ways through the same code would be no test of either: this compares the steps with ``prepare``."""
    probes = make_probes(rule)
    assert len(probes) == 10
    for name, content in probes.items():
        arrays = pipeline(rule, "NCHW").run(content)
        expected = prepare(content, rule.model_copy(update={"draft": False}))
        assert np.array_equal(arrays["normalise"], expected), name
        assert arrays["crop"].shape == (rule.crop_size, rule.crop_size, 3)


def test_the_probes_have_what_they_are_for() -> None:
    run = pipeline(Preprocessing(), "NCHW").run
    steps = {name: run(content) for name, content in make_probes(Preprocessing()).items()}
    assert steps["exif.jpg"]["decode"].shape == (*steps["exif.jpg"]["orient"].shape[1::-1], 3)
    assert (steps["gray.png"]["decode"][..., 0] == steps["gray.png"]["decode"][..., 2]).all()
    assert steps["transparent.png"]["decode"][-1].min() == 255  # white shines through where nothing is
    assert steps["odd.png"]["decode"].shape[0] % 2 == steps["odd.png"]["decode"].shape[1] % 2 == 1


def test_a_summary_is_numpy_s(tiny_model: SealedModel) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (13, 10, 3), np.uint8)
    found = summarise(pixels)
    assert found.mean[3][1][2] == pytest.approx(pixels[9:13, 2:5, 2].mean(), rel=1e-4)
    assert found.std[0][0][0] == pytest.approx(pixels[:3, :2, 0].std(), rel=1e-4)
    assert found.distance(summarise(pixels.transpose(2, 0, 1))) == float("inf")
    assert found.mean == summarise(np.ascontiguousarray(pixels.transpose(2, 0, 1))).mean


def test_it_answers_as_the_model_does(tiny_model: SealedModel, exported: Export) -> None:
    images = np.random.default_rng(3).standard_normal((5, 3, 64, 64)).astype(np.float32)
    torch_logits = open_engine(tiny_model, "torch").logits(images)
    np.testing.assert_allclose(open_export(exported).logits(images), torch_logits, rtol=1e-4, atol=1e-4)
    verdict = verify_export(exported)
    assert verdict.passed
    assert verdict.identical == 50
    assert verdict.checked == dict.fromkeys(("decode", "orient", "resize", "crop", "normalise", "logits"), 10)


def test_the_file_says_what_it_is(tiny_model: SealedModel, exported: Export) -> None:
    model = onnx.load(exported.model_path)
    onnx.checker.check_model(model, full_check=True)
    (entry,) = model.metadata_props
    document = read_document(exported.model_path, entry.value)
    assert (entry.key, document.classes) == ("googlenet", tiny_model.classes)
    assert document.preprocessing == tiny_model.preprocessing
    names = {node.name for node in model.graph.node}
    assert {"conv1/7x7_s2", "inception_4d/5x5_reduce", "loss3/classifier"} <= names
    assert exported.contract.opset == model.opset_import[0].version == 18


def test_a_fixed_batch_is_filled_up_and_cut(tiny_model: SealedModel, tmp_path: Path) -> None:
    fixed = export_model(tiny_model, tmp_path / "e", ExportSettings(to="onnx", batch=4)).export
    assert fixed.contract.input.shape == (4, 3, 64, 64)
    images = np.random.default_rng(3).standard_normal((6, 3, 64, 64)).astype(np.float32)
    expected = open_engine(tiny_model).logits(images)
    np.testing.assert_allclose(open_export(fixed).logits(images), expected, rtol=1e-4, atol=1e-5)


def test_the_example_answers_as_predict_does(exported: Export, tmp_path: Path) -> None:
    """In a process of its own, without this package."""
    photo = exported.folder / "probes" / "exif.jpg"
    command = [sys.executable, "-I", exported.folder / "example.py"]
    shown = subprocess.run([*command, photo], capture_output=True, text=True, check=True).stdout
    model, opening = open_for_answers(exported.folder)
    logits = opening().logits(prepare(photo, model.preprocessing)[None])[0]
    assert shown.splitlines()[0].endswith(model.classes[int(logits.argmax())].name)
    subprocess.run([*command, "--trace", tmp_path / "t.npz"], check=True)
    with np.load(tmp_path / "t.npz") as trace:
        for name, probe in exported.contract.probes.items():
            np.testing.assert_allclose(trace[f"{name}/logits"], probe.logits, rtol=1e-4, atol=1e-4)
            assert all(summarise(trace[f"{name}/{stage}"]) == summary for stage, summary in probe.stages.items())


def test_an_existing_folder_is_left_alone(tiny_model: SealedModel, tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    with pytest.raises(ModelFileError, match="exists already"):
        export_model(tiny_model, tmp_path / "e", ExportSettings(to="onnx"))
    assert list(tmp_path.iterdir()) == [tmp_path / "e"]


def test_nothing_is_left_of_an_export_that_failed(tiny_model: SealedModel, tmp_path: Path) -> None:
    tensors = {name: np.array(tensor) for name, tensor in tiny_model.tensors.items()}
    tensors["loss3/classifier/weight"][:] = np.finfo(np.float32).max
    with pytest.raises(ModelFileError, match="not a finite number"):
        export_model(replace(tiny_model, tensors=tensors), tmp_path / "e", ExportSettings(to="onnx"))
    assert not list(tmp_path.iterdir())


def _copied(exported: Export, folder: Path) -> Path:
    for path in exported.folder.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(exported.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder


def _edited(exported: Export, folder: Path, **changes: object) -> Path:
    _copied(exported, folder)
    document = json.loads((folder / "contract.json").read_text())
    (folder / "contract.json").write_text(json.dumps(document | changes))
    return folder


def test_changes_and_lies_are_refused(exported: Export, tmp_path: Path) -> None:
    changed = _copied(exported, tmp_path / "changed")
    content = bytearray((changed / "model.onnx").read_bytes())
    content[5000] ^= 1
    (changed / "model.onnx").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"model\.onnx: has changed since the export"):
        read_export(changed)
    probe = _copied(exported, tmp_path / "probe")
    (probe / "probes/gray.png").write_bytes(b"else")
    with pytest.raises(ModelFileError, match=r"gray\.png: has changed"):
        verify_export(read_export(probe))
    with pytest.raises(ModelFileError, match="lies outside"):
        read_export(_edited(exported, tmp_path / "climbs", model="..", sha256={"../changed/model.onnx": "0"}))
    with pytest.raises(ModelFileError, match="of format 2"):
        read_export(_edited(exported, tmp_path / "new", format=2))
    with pytest.raises(ModelFileError, match="classes in its parts"):
        read_export(_edited(exported, tmp_path / "classes", classes=[{"id": "a", "name": "a"}]))
    with pytest.raises(ModelFileError, match=r"not right at 'target'"):
        read_export(_edited(exported, tmp_path / "target", target="abacus"))
    with pytest.raises(ModelFileError, match=r"has no contract\.json"):
        read_export(tmp_path)


def test_a_model_that_is_not_the_contract_s_is_refused(exported: Export, tmp_path: Path) -> None:
    shape = ["batch", 3, 32, 32]
    edited = _edited(exported, tmp_path / "e", input=exported.contract.input.model_dump() | {"shape": shape})
    with pytest.raises(ModelFileError, match="its contract says"):
        open_export(read_export(edited))


def test_classes_or_preprocessing_of_another_model_are_refused(exported: Export, tmp_path: Path) -> None:
    contract = json.loads((exported.folder / "contract.json").read_text())
    swapped = contract["classes"][::-1]
    darker = contract["preprocessing"] | {"mean": [0.0, 0.0, 0.0]}
    for name, value in (("classes", swapped), ("preprocessing", darker)):
        edited = _edited(exported, tmp_path / name, **{name: value})
        with pytest.raises(ModelFileError, match=f"was made with other {name} than its contract says"):
            open_export(read_export(edited))


def test_a_hostile_model_is_refused_before_its_runtime_sees_it(exported: Export, tmp_path: Path) -> None:
    """Whoever makes the model can make the digest too."""
    folder = _copied(exported, tmp_path / "e")
    model = onnx.load(folder / "model.onnx")
    model.graph.node[0].domain = "evil.ops"
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    contract = json.loads((folder / "contract.json").read_text()) | {"sha256": {"model.onnx": digest}}
    (folder / "contract.json").write_text(json.dumps(contract))
    with pytest.raises(ModelFileError, match=r"custom operator evil\.ops"):
        open_export(read_export(folder))


def test_load_opens_an_export(tiny_model: SealedModel, exported: Export, tmp_path: Path) -> None:
    tiny_model.save(tmp_path / "m.safetensors")
    photo = exported.folder / "probes" / "mark.png"
    found, expected = (googlenet.load(str(p)).predict(photo) for p in (exported.folder, tmp_path / "m.safetensors"))
    assert [answer.label for answer in found] == [answer.label for answer in expected]


def test_an_engine_is_not_for_an_export(exported: Export) -> None:
    with pytest.raises(SettingsError, match="its own runtime"):
        open_for_answers(exported.folder, "torch")


def test_the_sealed_model_can_have_a_contract_too(tiny_model: SealedModel, tmp_path: Path) -> None:
    done = export_model(tiny_model, tmp_path / "e", ExportSettings(to="safetensors"))
    assert verify_export(read_export(tmp_path / "e")).passed
    assert (tmp_path / "e" / "model.safetensors").stat().st_size == done.bytes
    assert not (tmp_path / "e" / "example.py").exists()


def test_a_calibration_goes_with_the_export(tiny_model: SealedModel, tmp_path: Path) -> None:
    model = replace(tiny_model, calibration=some_calibration())
    export_model(model, tmp_path / "e", ExportSettings(to="onnx"))
    sealed, opening = open_for_answers(tmp_path / "e")
    assert sealed.temperature == model.temperature != 1
    photo = tmp_path / "e/probes/gray.png"
    found = predict_one(sealed, opening(), photo, top=3, coverage=0.9)
    assert found.set == predict_one(model, open_engine(model), photo, top=3, coverage=0.9).set
    printed = subprocess.run(
        [sys.executable, tmp_path / "e/example.py", photo], capture_output=True, text=True, check=True
    ).stdout
    assert f"{100 * found.predictions[0].probability:6.2f} %  {found.predictions[0].label}" in printed
    (tmp_path / "e/calibration.safetensors").write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"calibration\.safetensors: has changed since the export"):
        read_export(tmp_path / "e")
