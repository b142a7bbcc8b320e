"""What several tests need: real data where it is at hand, small images, a tiny model."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from googlenet.cli import main
from googlenet.data.classes import ClassName
from googlenet.data.preprocess import Preprocessing
from googlenet.evaluation.calibrate import calibration_from
from googlenet.evaluation.outputs import Outputs
from googlenet.spec import Spec
from googlenet.variants import batch_norm
from googlenet.weights.calibration import Calibration
from googlenet.weights.model_file import SealedModel

MakePicture = Callable[..., Path]
MakeFolder = Callable[[Mapping[str, int]], Path]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests, and the processes that they start, leave the user's cache alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GOOGLENET_CACHE", raising=False)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real weights and photographs."""
    folder = Path(os.environ.get("GOOGLENET_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no real weights and photographs at {folder}; point GOOGLENET_SHARED at them")
    return folder


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


def random_tensors(spec: Spec, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights that keep the activations' size; variances positive."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for name, shape in spec.tensors.items():
        values = rng.standard_normal(shape)
        if name.endswith("/weight"):
            values *= np.sqrt(2 / np.prod(shape[1:]))
        elif name.endswith(("gamma", "variance")):
            values = 0.5 + np.abs(values)
        else:
            values *= 0.1
        tensors[name] = values.astype(np.float32)
    return tensors


def some_calibration(images: int = 250, classes: int = 3, seed: int = 0) -> Calibration:
    """The calibration by random outputs, of a network like ``tiny_model``."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((images, classes)).astype(np.float32) * 3
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(1).astype(np.int32)
    features = rng.standard_normal((images, 64)).astype(np.float32)
    return calibration_from(Outputs(labels, logits, features), "some data")


def assert_same(some: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]) -> None:
    """The same tensors by name, to the bit."""
    assert some.keys() == others.keys()
    assert all(np.array_equal(some[name], others[name]) for name in some)


@pytest.fixture(scope="session")
def tiny_model() -> SealedModel:
    """Three classes, random weights: answers at once."""
    spec = batch_norm(3, aux_heads=False).scaled(1 / 16)
    classes = tuple(ClassName(name, name) for name in ("blue", "green", "red"))
    preprocessing = Preprocessing(resize_size=72, crop_size=64)
    return SealedModel(spec, classes, preprocessing, random_tensors(spec), {"settings": {"seed": 0}})


COLOURS = {"blue": (30, 40, 220), "green": (40, 200, 50), "red": (220, 40, 30)}


@pytest.fixture
def colour_folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of noisy one-colour images, a sub-folder per class."""

    def make(name: str = "images", per_class: int = 10, classes: tuple[str, ...] = tuple(COLOURS)) -> Path:
        rng = np.random.default_rng(1)
        for number, label in enumerate(classes):
            folder = tmp_path / name / label
            folder.mkdir(parents=True)
            base = np.array(list(COLOURS.values())[number % 3])
            for i in range(per_class):
                pixels = np.clip(base + rng.integers(-40, 40, (70, 80, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
        return tmp_path / name

    return make


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
    """``make_folder({"cat": 3, "train/dog": 5})`` writes so many distinct pictures into folders of tmp_path/data."""

    def make(counts: Mapping[str, int]) -> Path:
        seed = 0
        for folder, count in counts.items():
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                make_picture(f"data/{folder}/{i}.png", seed=(seed := seed + 1))
        return tmp_path / "data"

    return make


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A real browser, one for all tests: Playwright runs but once in a process."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no chromium on the path")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
