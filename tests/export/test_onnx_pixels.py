"""Pixels in, logits out: resize, crop and normalise in the graph beside Pillow's; a trace of a program that uses it."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from googlenet.data.preprocess import Preprocessing, normalise, resize_and_crop
from googlenet.engines import open_engine
from googlenet.errors import ModelFileError, SettingsError
from googlenet.export.contract import read_export
from googlenet.export.diagnosis import diagnose
from googlenet.export.export import export_model
from googlenet.export.onnx_pixels import PIXELS, check_pixels, write_pixels
from googlenet.export.targets import open_export
from googlenet.export.trace import read_trace
from googlenet.export.verify import verify_export
from googlenet.network.onnx_graph import OnnxGraph
from googlenet.settings import ExportSettings
from googlenet.weights.model_file import SealedModel

RULES = {
    "shorter": Preprocessing(resize_size=73, crop_size=64),
    "caffe": Preprocessing(
        resize="warp", resize_size=72, crop_size=64, channel_order="BGR", mean=(104, 117, 123), scale=(1, 1, 1)
    ),
    "bicubic": Preprocessing(resize_size=72, crop_size=64, filter="bicubic"),
}
PIXELS_EXPORT = ExportSettings(to="onnx", with_preprocessing=True)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_operators_do_what_pillow_does(rule: Preprocessing) -> None:
    graph = OnnxGraph()
    write_pixels(graph, rule)
    content = graph.to_bytes({PIXELS: ("batch", "height", "width", 3)}, {"data": ("batch", 3, "h", "w")}, pixels=True)
    onnx.checker.check_model(onnx.load_model_from_string(content), full_check=True)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for height, width in ((100, 170), (73, 64), (31, 30), (211, 97), (64, 64), (147, 73)):
        pixels = rng.integers(0, 256, (2, height, width, 3), np.uint8)
        found = session.run(["data"], {PIXELS: pixels})[0]
        expected = np.stack([normalise(resize_and_crop(Image.fromarray(image), rule), rule) for image in pixels])
        levels = np.abs(found - expected) / max(rule.scale)
        assert levels.mean() < 0.3, (height, width)  # of noise, the worst case
        assert (levels > 1.5).mean() < 0.03, (height, width)


def test_an_export_takes_pixels_and_its_example_is_right(tiny_model: SealedModel, tmp_path: Path) -> None:
    done = export_model(tiny_model, tmp_path / "e", PIXELS_EXPORT)
    export = read_export(tmp_path / "e")
    assert export.contract.input.model_dump() == {
        "name": "pixels", "dtype": "uint8", "layout": "NHWC", "shape": ("batch", "height", "width", 3),
    }  # fmt: skip
    assert set(export.contract.probes["gray.png"].stages) == {"decode", "orient"}
    assert 0 < done.difference < export.contract.tolerance.logits == 0.02
    assert verify_export(export).passed
    example = runpy.run_path(str(export.folder / "example.py"))
    example["write_trace"](tmp_path / "t.npz")
    assert diagnose(export, read_trace(tmp_path / "t.npz", export.contract)).passed
    with np.load(tmp_path / "t.npz") as trace:
        arrays = dict(trace)
    arrays["exif.jpg/orient"] = arrays["exif.jpg/decode"]
    np.savez(tmp_path / "wrong.npz", **arrays)
    (fault,) = diagnose(export, read_trace(tmp_path / "wrong.npz", export.contract)).faults
    assert (fault.stage, fault.words) == ("orient", "EXIF ignored")


def test_it_is_no_engine_for_prepared_images(tiny_model: SealedModel, tmp_path: Path) -> None:
    export = export_model(tiny_model, tmp_path / "e", PIXELS_EXPORT).export
    with pytest.raises(ModelFileError, match="without --with-preprocessing"):
        open_export(export).logits(np.zeros((1, 3, 64, 64), np.float32))


@pytest.mark.parametrize("changes", [{"filter": "lanczos"}, {"filter": "bilinear-no-antialias"}, {"resize": "none"}])
def test_what_no_operator_does_is_refused(tiny_model: SealedModel, tmp_path: Path, changes: dict[str, str]) -> None:
    rule = tiny_model.preprocessing.model_copy(update=changes)
    with pytest.raises(SettingsError, match="has no operator for"):
        check_pixels(rule)
    with pytest.raises(SettingsError, match="has no operator for"):
        export_model(replace(tiny_model, preprocessing=rule), tmp_path / "e", PIXELS_EXPORT)
    assert open_engine(tiny_model) is not None
