"""The command line as a program sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.weights.model_file import SealedModel


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
