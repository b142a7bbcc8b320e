"""Fixtures for every test: real data beside the repository, and small pictures made on the spot."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakePicture = Callable[..., Path]
MakeFolder = Callable[[Mapping[str, int]], Path]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photographs and weights; skips where it is absent."""
    folder = Path(os.environ.get("GOOGLENET_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set GOOGLENET_SHARED to their folder")
    return folder


@pytest.fixture
def make_picture(tmp_path: Path) -> MakePicture:
    """``make_picture("a/b.png", seed=3, size=(16, 12))`` writes random RGB pixels below tmp_path."""

    def make(name: str, *, seed: int = 0, size: tuple[int, int] = (16, 12)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return make


@pytest.fixture
def make_folder(tmp_path: Path, make_picture: MakePicture) -> MakeFolder:
    """``make_folder({"cat": 3, "train/dog": 5})`` writes so many distinct pictures into each folder of tmp_path/data."""

    def make(counts: Mapping[str, int]) -> Path:
        seed = 0
        for folder, count in counts.items():
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                make_picture(f"data/{folder}/{i}.png", seed=(seed := seed + 1))
        return tmp_path / "data"

    return make
