"""A run repeated is the same to the bit, and what is not the same is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import googlenet.replay as replay_module
from googlenet.data.index import read_dataset
from googlenet.errors import TrainingError
from googlenet.recipes import scratch
from googlenet.replay import replay
from googlenet.training import run as training_run
from googlenet.training.run import MODEL_FILE, new_run_folder, train
from googlenet.variants import batch_norm
from googlenet.weights.model_file import SealedModel, read_model

Make = Callable[..., Path]


@pytest.fixture
def run(colour_folder: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Images, and the folder of a run on them."""
    monkeypatch.setattr(
        training_run, "variant", lambda name, classes, aux_heads: batch_norm(classes, aux_heads=False).scaled(1 / 16)
    )
    images = colour_folder(per_class=12)
    settings = scratch(image_size=64, epochs=1, batch_size=8, precision="fp32")
    train(read_dataset(images), settings, new_run_folder(tmp_path / "run"))
    return images, tmp_path / "run"


def _replay(images: Path, folder: Path, out: Path, say: Callable[[str], None] = lambda words: None) -> Any:
    return replay(folder, images, out, reading=lambda done, total: None, say=say)


def _change(folder: Path, record: dict[str, Any]) -> None:
    model = read_model(folder / MODEL_FILE)
    changed = {**model.record, **record}
    SealedModel(model.spec, model.classes, model.preprocessing, model.tensors, changed).save(folder / MODEL_FILE)


def test_the_same_run_again(run: tuple[Path, Path], tmp_path: Path) -> None:
    images, folder = run
    found = _replay(images, folder, tmp_path / "again")
    assert found.same
    assert (found.data, found.environment, found.changed, found.difference) == ([], [], 0, 0)
    assert read_model(tmp_path / "again" / MODEL_FILE).spec == read_model(folder / MODEL_FILE).spec


def test_what_has_changed_is_named(run: tuple[Path, Path], tmp_path: Path) -> None:
    images, folder = run
    _change(folder, {"threads": 64, "versions": {"numpy": "0.1", "left-pad": "1"}})
    pictures = sorted(images.rglob("*.png"))
    pictures[0].unlink()
    found = _replay(images, folder, tmp_path / "again")
    assert not found.same
    assert found.difference > 0
    assert found.data[0].startswith("1 image is gone")
    words = "; ".join(found.environment)
    assert "threads was 64, is" in words
    assert "numpy was 0.1, is" in words
    assert "left-pad was 1, is None" in words


def test_an_interrupted_run_cannot_be_repeated(run: tuple[Path, Path], tmp_path: Path) -> None:
    images, folder = run
    _change(folder, {"interrupted": True})
    with pytest.raises(TrainingError, match="was interrupted"):
        _replay(images, folder, tmp_path / "again")


def test_other_images_are_said_before_the_training(
    run: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, folder = run
    said: list[str] = []
    shutil.rmtree(min(images.iterdir()))
    real = replay_module.train

    def train_now(*arguments: Any) -> SealedModel:
        said.append("training")
        return real(*arguments)

    monkeypatch.setattr(replay_module, "train", train_now)
    found = _replay(images, folder, tmp_path / "again", said.append)
    assert len(said) == 2
    assert "1 class is gone" in said[0]
    assert found.changed == found.tensors
    document = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert (document["same"], document["difference"]) == (False, None)
