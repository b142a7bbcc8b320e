"""The command line as a program sees it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.cli import main
from googlenet.weights.model_file import SealedModel

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls the command line in this process: exit code, standard output, standard error."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["googlenet", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


@pytest.fixture
def model(tiny_model: SealedModel, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    tiny_model.save(path)
    return path


def write_photo(path: Path, value: int = 0) -> Path:
    """A PNG of one gray; returns ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 50, 3), value, np.uint8)).save(path, "PNG")
    return path
