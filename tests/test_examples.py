"""The examples do what their first lines say: run as a newcomer would, on a few tiny pictures."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from googlenet.weights.model_file import read_model
from tests.conftest import MakeFolder

EXAMPLES = Path(__file__).parents[1] / "examples"


def _run(*words: object) -> str:
    result = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_keras_fit(make_folder: MakeFolder, tmp_path: Path) -> None:
    photos = make_folder({"cat": 5, "dog": 5})
    words = [photos, tmp_path / "fitted.keras", "--epochs", 2, "--batch-size", 4, "--image-size", 64]
    out = _run(EXAMPLES / "keras_fit.py", *words)
    assert "Epoch 2/2" in out
    for head in ("main", "aux1", "aux2"):
        assert f"{head}_loss" in out
    labels = tmp_path / "fitted.labels.txt"
    _run("-m", "googlenet", "convert", tmp_path / "fitted.keras", tmp_path / "fitted.safetensors", "--labels", labels)
    model = read_model(tmp_path / "fitted.safetensors")
    assert [name.name for name in model.classes] == ["cat", "dog"]
    assert model.spec.variant == "batch_norm"
    assert model.spec.aux_heads
