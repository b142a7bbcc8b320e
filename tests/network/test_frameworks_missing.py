"""Keras, TensorFlow or PyTorch absent or too old: one line that says what to install, from whatever needs it.

A folder at the head of the path plays the missing package, or the record of an old one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from googlenet.variants import slim
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors

ROOT = Path(__file__).parents[2]
NEEDS = {
    "predict": ("predict", "m.safetensors", "x.png", "--engine", "tensorflow"),
    "write a .keras": ("convert", "m.safetensors", "m.keras"),
    "write a .ckpt": ("convert", "m.safetensors", "m.ckpt"),
    "twins": ("twins", "m.safetensors", "data"),
}


@pytest.fixture
def folder(tiny_model: SealedModel, tmp_path: Path) -> Path:
    """A model, an image, images of its classes."""
    spec = slim(3).scaled(1 / 16)
    replace(tiny_model, spec=spec, tensors=random_tensors(spec)).save(tmp_path / "m.safetensors")
    for name in ("x.png", *(f"data/{part.id}/a.png" for part in tiny_model.classes)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9)).save(tmp_path / name)
    return tmp_path


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{folder / 'path'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "googlenet", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _hide(folder: Path, name: str) -> None:
    (folder / "path").mkdir()
    (folder / "path" / f"{name}.py").write_text(f"raise ModuleNotFoundError('absent', name={name!r})")


def _make_old(folder: Path, name: str, version: str) -> None:
    record = folder / "path" / f"{name}-{version}.dist-info" / "METADATA"
    record.parent.mkdir(parents=True)
    record.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.mark.parametrize("need", NEEDS)
def test_tensorflow_missing(folder: Path, need: str) -> None:
    _hide(folder, "tensorflow")
    result = _run(folder, *NEEDS[need])
    assert result.returncode == 2
    assert result.stderr == ("error: tensorflow is not installed; bring it with: pip install 'googlenet[tensorflow]'\n")
    assert not result.stdout


def test_pytorch_missing(folder: Path) -> None:
    _hide(folder, "torch")
    result = _run(folder, *NEEDS["twins"])
    assert result.returncode == 2
    assert result.stderr == "error: torch is not installed; bring it with: pip install 'googlenet[torch]'\n"


@pytest.mark.parametrize(
    ("need", "name", "version", "needed"),
    [
        ("predict", "keras", "3.9.2", "3.14"),
        ("write a .keras", "keras", "3.9.2", "3.14"),
        ("write a .keras", "tensorflow", "2.20.0", "2.21"),
    ],
)
def test_too_old(folder: Path, need: str, name: str, version: str, needed: str) -> None:
    _make_old(folder, name, version)
    result = _run(folder, *NEEDS[need])
    assert result.returncode == 2
    assert result.stderr == (
        f"error: {name} is of version {version}, {needed} or newer is needed; "
        "bring it with: pip install --upgrade 'googlenet[tensorflow]'\n"
    )
