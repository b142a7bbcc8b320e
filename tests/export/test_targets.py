"""Every target answers as the model does in its own runtime, and so does its example without this package."""

from __future__ import annotations

import runpy
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from googlenet.engines import open_engine
from googlenet.errors import MissingExtraError, ModelFileError
from googlenet.export import targets
from googlenet.export.contract import read_export
from googlenet.export.export import export_model
from googlenet.export.targets import open_export
from googlenet.export.verify import verify_export
from googlenet.settings import ExportSettings, ExportTarget
from googlenet.weights.model_file import SealedModel

PACKAGES: dict[ExportTarget, str] = {
    "openvino": "openvino",
    "pt2": "torch",
    "savedmodel": "tensorflow",
    "litert": "tensorflow",
}


@pytest.mark.parametrize("target", PACKAGES)
def test_it_answers_as_the_model_does(tiny_model: SealedModel, tmp_path: Path, target: ExportTarget) -> None:
    pytest.importorskip(PACKAGES[target], reason=f"{PACKAGES[target]} is not installed")
    done = export_model(tiny_model, tmp_path / "e", ExportSettings(to=target))
    assert 0 <= done.difference <= 1e-4
    export = read_export(tmp_path / "e")
    images = np.random.default_rng(3).standard_normal((5, 3, 64, 64)).astype(np.float32)
    np.testing.assert_allclose(
        open_export(export).logits(images), open_engine(tiny_model).logits(images), rtol=1e-3, atol=1e-3
    )
    assert verify_export(export).passed
    example = export.folder / "example.py"
    assert "googlenet" not in {line.split()[1] for line in example.read_text().splitlines() if "import " in line[:7]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's interpreter tells of its successor
        runpy.run_path(str(example))["write_trace"](tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz") as trace:
        for name, probe in export.contract.probes.items():
            np.testing.assert_allclose(trace[f"{name}/logits"], probe.logits, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_half_the_size_in_16_bits(tiny_model: SealedModel, tmp_path: Path, target: ExportTarget) -> None:
    pytest.importorskip(PACKAGES.get(target, "onnxruntime"))
    whole, half = (
        export_model(tiny_model, tmp_path / precision, ExportSettings(to=target, precision=precision))
        for precision in ("fp32", "fp16")
    )
    assert 1e-6 < half.difference <= 1e-2
    file = "model.onnx" if target == "onnx" else "model.bin"
    sizes = [(done.export.folder / file).stat().st_size for done in (whole, half)]
    assert sizes[0] - sizes[1] > 0.3 * sum(tensor.nbytes for tensor in tiny_model.tensors.values())
    assert verify_export(read_export(tmp_path / "fp16")).passed


def test_a_runtime_that_is_missing_is_named_with_its_command(
    tiny_model: SealedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "googlenet.export.openvino_target", raising=False)
    monkeypatch.delitem(sys.modules, "googlenet.engines.openvino_engine", raising=False)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'googlenet\[openvino\]'"):
        export_model(tiny_model, tmp_path / "e", ExportSettings(to="openvino"))
    assert not list(tmp_path.iterdir())


def test_no_numbers_are_no_answer(tiny_model: SealedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = export_model(tiny_model, tmp_path / "e", ExportSettings(to="onnx")).export
    wrong = [np.full((1, 3), np.nan, np.float32), np.zeros((1, 4), np.float32)]
    monkeypatch.setattr(targets, "_call", lambda *names: lambda export, threads: lambda images: wrong[0])
    with pytest.raises(ModelFileError, match=r"no finite number; this runtime cannot run it here"):
        open_export(export).logits(np.zeros((1, 3, 64, 64), np.float32))
    del wrong[0]
    with pytest.raises(ModelFileError, match=r"\(1, 3\) was expected"):
        open_export(export).logits(np.zeros((1, 3, 64, 64), np.float32))


def test_a_precision_that_a_target_has_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="--fp16 is not for --to safetensors"):
        ExportSettings(to="safetensors", precision="fp16")
