"""Each planted fault of an independent consumer is blamed on its step, and a right consumer on none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from googlenet.data.preprocess import Preprocessing
from googlenet.errors import DataError
from googlenet.export.contract import Export
from googlenet.export.diagnosis import diagnose
from googlenet.export.export import export_model
from googlenet.export.stages import summarise
from googlenet.export.trace import read_trace
from googlenet.export.verify import Verdict
from googlenet.settings import ExportSettings
from googlenet.weights.model_file import SealedModel
from tests.export.consumer import FAULTS, Consumer

RULES = {
    "shorter": Preprocessing(resize_size=73, crop_size=64),
    "caffe": Preprocessing(
        resize="warp", resize_size=73, crop_size=64, channel_order="BGR", mean=(104, 117, 123), scale=(0.02, 0.02, 0.02)
    ),
}
CAFFE_TOO = ("bgr", "exif ignored", "no antialias", "other rule", "swapped", "0-1", "imagenet")


@pytest.fixture(scope="module", params=RULES)
def exported(
    request: pytest.FixtureRequest, tiny_model: SealedModel, tmp_path_factory: pytest.TempPathFactory
) -> Export:
    model = replace(tiny_model, preprocessing=RULES[request.param])
    return export_model(model, tmp_path_factory.mktemp("d") / request.param, ExportSettings(to="onnx")).export


def _verdict(exported: Export, arrays: dict[str, np.ndarray], tmp_path: Path) -> Verdict:
    np.savez(tmp_path / "trace.npz", **arrays)
    return diagnose(exported, read_trace(tmp_path / "trace.npz", exported.contract))


def test_a_right_consumer_has_no_fault(exported: Export, tmp_path: Path) -> None:
    verdict = _verdict(exported, Consumer(exported.folder).trace(), tmp_path)
    assert verdict.faults == ()
    assert verdict.checked["logits"] == 10
    assert verdict.identical < 50  # it is independent: its roundings are its own


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_blamed_on_its_step(exported: Export, tmp_path: Path, fault: str) -> None:
    if exported.folder.name == "caffe" and fault not in CAFFE_TOO:
        pytest.skip("does not depend on the model's rule")
    stage, words = FAULTS[fault]
    verdict = _verdict(exported, Consumer(exported.folder, fault).trace(), tmp_path)
    assert [found.stage for found in verdict.faults] == [stage]
    assert words in verdict.faults[0].words


@pytest.mark.parametrize("fault", ["exif ignored", "swapped", "softmax", "reordered"])
def test_logits_alone_are_enough(exported: Export, tmp_path: Path, fault: str) -> None:
    if exported.folder.name == "caffe":
        pytest.skip("does not depend on the model's rule")
    stage, words = FAULTS[fault]
    arrays = {key: value for key, value in Consumer(exported.folder, fault).trace().items() if key.endswith("/logits")}
    verdict = _verdict(exported, arrays, tmp_path)
    (found,) = verdict.faults
    same = fault in ("bgr", "swapped")  # the same to the network, wherever it happens
    assert found.stage == stage or (same and found.stage in ("decode", "normalise"))
    assert words in found.words or (same and "channels swapped" in found.words)


def test_a_step_that_was_not_written_down_is_blamed_all_the_same(exported: Export, tmp_path: Path) -> None:
    arrays = Consumer(exported.folder, "exif ignored").trace()
    kept = {key: value for key, value in arrays.items() if key.rpartition("/")[2] in ("decode", "crop")}
    assert [fault.stage for fault in _verdict(exported, kept, tmp_path).faults] == ["orient"]


def test_two_faults_are_both_named(exported: Export, tmp_path: Path) -> None:
    consumer = Consumer(exported.folder, "exif ignored")
    consumer.rule = consumer.rule | {"mean": [0, 0, 0]}
    faults = _verdict(exported, consumer.trace(), tmp_path).faults
    assert [fault.stage for fault in faults] == ["orient", "normalise"]
    assert faults[0].probes == ("exif.jpg",)


def test_an_unheard_of_fault_is_blamed_on_its_step_without_a_cause(exported: Export, tmp_path: Path) -> None:
    arrays = Consumer(exported.folder).trace()
    for key in arrays:
        if key.endswith("/crop"):
            arrays[key] = arrays[key] // 2
    (fault,) = _verdict(exported, arrays, tmp_path).faults
    assert (fault.stage, fault.words) == ("crop", "no mistake known here explains it")


def test_summaries_in_json_say_the_same(exported: Export, tmp_path: Path) -> None:
    for fault, stages in (("", []), ("nearest", ["resize"])):
        probes: dict[str, dict[str, object]] = {}
        for key, array in Consumer(exported.folder, fault).trace().items():
            name, _, stage = key.rpartition("/")
            part = array.tolist() if stage == "logits" else summarise(array).model_dump(exclude={"sha256"})
            probes.setdefault(name, {})[stage] = part
        path = tmp_path / "trace.json"
        path.write_text(json.dumps({"probes": probes, "classes": ["blue", "green", "red"]}))
        verdict = diagnose(exported, read_trace(path, exported.contract))
        assert [found.stage for found in verdict.faults] == stages
    path.write_text(json.dumps({"probes": probes, "classes": ["red", "green", "blue"]}))
    assert "not in the contract's order" in diagnose(exported, read_trace(path, exported.contract)).faults[-1].words


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("nothing", "neither JSON nor"),
        ('{"probes": {}}', "not right at 'probes'"),
        ('{"probes": {"other.png": {"logits": [1.0]}}}', "none of the probes"),
        ('{"probes": {"gray.png": {"crop": [1.0]}}}', "is not a summary"),
        ('{"probes": {"gray.png": {"turn": [1.0]}}}', "not right at"),
    ],
)
def test_what_is_no_trace_is_refused(exported: Export, tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(DataError, match=says):
        read_trace(tmp_path / "t.json", exported.contract)


def test_arrays_that_are_no_results_are_refused(exported: Export, tmp_path: Path) -> None:
    for arrays, says in (
        ({"gray.png": np.zeros(3)}, "call the arrays"),
        ({"gray.png/crop": np.array(["a"])}, "write numbers"),
        ({"gray.png/crop": np.array([{}], object)}, "no whole .npz"),
        ({"gray.png/crop": np.zeros(3)}, "has the shape"),
        ({"gray.png/crop": np.full((9, 9, 3), np.nan)}, "no finite number"),
    ):
        np.savez(tmp_path / "t.npz", **arrays)
        with pytest.raises(DataError, match=says):
            read_trace(tmp_path / "t.npz", exported.contract)
