"""A run that was ended anywhere goes on as if nothing had happened, to the bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from googlenet.cli.train import _resumed
from googlenet.data.index import Dataset, read_dataset
from googlenet.errors import ModelFileError, SettingsError, TrainingError
from googlenet.recipes import scratch
from googlenet.training import events, loop
from googlenet.training import run as training_run
from googlenet.training.checkpoint import Checkpoint, latest
from googlenet.training.loop import Trainer
from googlenet.training.run import MODEL_FILE, new_run_folder, run_settings, train
from googlenet.variants import batch_norm
from googlenet.weights.model_file import read_model

Make = Callable[..., Path]


class _Killed(BaseException):
    """Stands for the end of the process: nothing in the package catches it."""


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    _narrow_network(monkeypatch)


def _narrow_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        training_run,
        "variant",
        lambda name, classes, aux_heads: batch_norm(classes, aux_heads=aux_heads).scaled(1 / 16),
    )


@pytest.fixture
def images(colour_folder: Make) -> Path:
    return colour_folder(per_class=12)


@pytest.fixture
def dataset(images: Path) -> Dataset:
    return read_dataset(images)


def _settings(**changes: Any) -> Any:
    small = {"image_size": 64, "epochs": 2, "batch_size": 8, "precision": "fp32", "learning_rate": 0.02}
    return scratch(**(small | {"checkpoint_seconds": 0} | changes))


def _killed_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    real, calls = Trainer._step, 0

    def killed(self: Trainer, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == step:
            raise _Killed
        return real(self, *arguments)

    monkeypatch.setattr(Trainer, "_step", killed)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_the_same_weights_to_the_bit(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimiser: str
) -> None:
    settings = _settings(optimiser=optimiser, learning_rate=0.02 if optimiser == "sgd" else 1e-3)
    whole = train(dataset, settings, new_run_folder(tmp_path / "whole"))
    folder = new_run_folder(tmp_path / "run")
    for step in (1, 3, 2):  # before the first step, in the first epoch, in the second
        with monkeypatch.context() as patch:
            _killed_at(patch, step)
            with pytest.raises(_Killed):
                train(dataset, run_settings(folder) if step != 1 else settings, folder, resume=step != 1)
    back = train(dataset, run_settings(folder), folder, resume=True)
    assert _same(back.tensors, whole.tensors)
    timeless = [[{k: v for k, v in epoch.items() if k != "images_per_second"} for epoch in model.record["history"]]
                for model in (back, whole)]  # fmt: skip
    assert timeless[0] == timeless[1]


# A whole run, which leaves a copy of its folder as it was in the second epoch; and a run that goes on from the copy.
_TENSORFLOW = """
import shutil, sys
from pathlib import Path
from googlenet.data.index import read_dataset
from googlenet.recipes import scratch
from googlenet.training import loop, run
from googlenet.variants import batch_norm

run.variant = lambda name, classes, aux_heads: batch_norm(classes, aux_heads=aux_heads).scaled(1 / 16)
images, folder, copy = map(Path, sys.argv[1:])
save = loop.Trainer._save

def copied(self):
    save(self)
    if self.samples == 32:
        shutil.copytree(folder, copy)

if copy.exists():
    run.train(read_dataset(images), run.run_settings(copy), copy, resume=True)
else:
    loop.Trainer._save = copied
    settings = scratch(image_size=64, epochs=3, batch_size=8, precision="fp32", framework="tensorflow",
                       learning_rate=0.02, checkpoint_seconds=0)
    run.train(read_dataset(images), settings, run.new_run_folder(folder))
"""


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_tensorflow_goes_on_in_another_process_to_the_bit(images: Path, tmp_path: Path) -> None:
    whole, copy = tmp_path / "whole", tmp_path / "copy"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", _TENSORFLOW, str(images), str(whole), str(copy)], check=True)
    assert "resumed after 32 samples" in (copy / "log.jsonl").read_text()
    assert _same(read_model(copy / MODEL_FILE).tensors, read_model(whole / MODEL_FILE).tensors)


def test_a_finished_run_may_have_more_epochs(dataset: Dataset, tmp_path: Path) -> None:
    folder = new_run_folder(tmp_path / "run")
    train(dataset, _settings(epochs=1), folder)
    model = train(dataset, run_settings(folder).model_copy(update={"epochs": 2}), folder, resume=True)
    assert [round(epoch["epoch"]) for epoch in model.record["history"]] == [1, 2]
    assert read_model(folder / MODEL_FILE).record["settings"]["epochs"] == 2


def test_other_images_are_refused_by_name(images: Path, tmp_path: Path) -> None:
    folder = new_run_folder(tmp_path / "run")
    train(read_dataset(images), _settings(epochs=0.5), folder)
    first = sorted(images.rglob("*.png"))
    first[0].unlink()
    first[1].write_bytes(first[2].read_bytes())
    with pytest.raises(TrainingError, match=r"1 image is gone, .* of another content"):
        train(read_dataset(images), run_settings(folder), folder, resume=True)


def test_a_checkpoint_cut_short_gives_way_to_the_one_before(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = new_run_folder(tmp_path / "run")
    whole = train(dataset, _settings(epochs=2), folder)
    found, _ = latest(folder)
    assert found is not None
    newest = max(folder.glob("checkpoint-*"), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(newest.read_bytes()[:-100])
    before, trouble = latest(folder)
    assert before is not None
    assert before.samples == found.samples - 8
    assert newest.name in str(trouble)
    assert _same(train(dataset, run_settings(folder), folder, resume=True).tensors, whole.tensors)
    assert "is damaged or cut short" in capsys.readouterr().err
    for path in folder.glob("checkpoint-*"):
        path.write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match=r"damaged or cut short .* no other"):
        train(dataset, run_settings(folder), folder, resume=True)


def test_a_full_disk_does_not_end_the_run(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: Checkpoint, folder: Path) -> None:
        raise ModelFileError(f"{folder}: cannot be saved (No space left on device)")

    monkeypatch.setattr(Checkpoint, "save", full)
    train(dataset, _settings(epochs=1), new_run_folder(tmp_path / "run"))
    assert "NO CHECKPOINT WRITTEN" in capsys.readouterr().err
    assert (tmp_path / "run" / MODEL_FILE).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of the size of files")
def test_a_disk_that_is_full_until_the_end(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import resource

    whole = train(dataset, _settings(), new_run_folder(tmp_path / "whole"))
    folder, free = new_run_folder(tmp_path / "run"), resource.getrlimit(resource.RLIMIT_FSIZE)
    real = Trainer._step

    def full(self: Trainer, batch: Any, consumed: int) -> Any:
        if consumed == 16:  # two checkpoints are there
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, free[1]))
        return real(self, batch, consumed)

    monkeypatch.setattr(Trainer, "_step", full)
    monkeypatch.setattr(events, "_FLUSH_EVERY", 0)
    try:
        with pytest.raises(
            ModelFileError, match=f"the last checkpoint is kept, make room and go on .* --resume {folder}"
        ):
            train(dataset, run_settings(tmp_path / "whole"), folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, free)
    monkeypatch.undo()
    _narrow_network(monkeypatch)
    words = capsys.readouterr().err
    assert words.count("THE LOGS CANNOT BE WRITTEN") == 1
    assert "NO CHECKPOINT WRITTEN" in words
    checkpoint, trouble = latest(folder)
    assert checkpoint is not None
    assert (checkpoint.samples, trouble) == (16, None)
    back = train(dataset, run_settings(folder), folder, resume=True)
    assert _same(back.tensors, whole.tensors)


def test_a_checkpoint_that_failed_is_soon_tried_again(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now, saved, real = 0.0, [], Checkpoint.save

    def save(self: Checkpoint, folder: Path) -> None:
        saved.append(now)
        if len(saved) == 1:
            raise ModelFileError(f"{folder}: cannot be saved (No space left on device)")
        real(self, folder)

    def clock() -> float:
        nonlocal now
        now += 5
        return now

    monkeypatch.setattr(Checkpoint, "save", save)
    monkeypatch.setattr(loop, "monotonic", clock)
    train(dataset, _settings(epochs=8, checkpoint_seconds=100), new_run_folder(tmp_path / "run"))
    assert "the next is tried after 30 seconds" in capsys.readouterr().err
    assert 30 <= saved[1] - saved[0] < 60
    assert saved[2] - saved[1] >= 100


def test_other_images_are_refused_before_the_first_checkpoint(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_run_folder(tmp_path / "run")
    with monkeypatch.context() as patch:
        _killed_at(patch, 1)
        with pytest.raises(_Killed):
            train(read_dataset(images), _settings(), folder)
    assert not list(folder.glob("checkpoint-*"))
    first = min(images.iterdir())
    first.rename(first.with_name("another"))
    with pytest.raises(TrainingError, match=rf"1 class is gone, '{first.name}' .*; 1 class is new, 'another'"):
        train(read_dataset(images), run_settings(folder), folder, resume=True)


def test_a_checkpoint_of_another_network_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    folder = new_run_folder(tmp_path / "run")
    train(dataset, _settings(epochs=0.5), folder)
    wider = run_settings(folder).model_copy(update={"width": 2.0})
    with pytest.raises(TrainingError, match=r"another network than its settings\.json asks for .* not \("):
        train(dataset, wider, folder, resume=True)


def test_no_run_to_resume(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"settings\.json: cannot be read"):
        run_settings(tmp_path)


def test_what_resume_cannot_change(tmp_path: Path) -> None:
    for epochs, changes, says in ((-1.0, {}, "--epochs is -1"), (None, {"batch_size": 4}, "--batch-size is given")):
        with pytest.raises(SettingsError, match=says):
            _resumed(tmp_path, epochs, changes)


_CHILD = """
import sys
from pathlib import Path
from googlenet.data.index import read_dataset
from googlenet.recipes import scratch
from googlenet.training import run
from googlenet.variants import batch_norm

run.variant = lambda name, classes, aux_heads: batch_norm(classes, aux_heads=aux_heads).scaled(1 / 8)
images, folder = map(Path, sys.argv[1:])
settings = scratch(image_size=64, epochs=30, batch_size=8, precision="fp32", checkpoint_seconds=0)
resume = (folder / "settings.json").exists()
folder.mkdir(exist_ok=True)
run.train(read_dataset(images), settings, folder, resume=resume)
"""


def test_sigterm_saves_and_then_ends_the_process(images: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _CHILD, str(images), str(folder)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith("epoch"):
                child.send_signal(signal.SIGTERM)
                break
        words = child.stderr.read()
    assert child.returncode == -signal.SIGTERM
    assert "go on with --resume" in words
    checkpoint, trouble = latest(folder)
    assert checkpoint is not None
    assert trouble is None
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert f"SIGTERM after {checkpoint.samples} samples" in lines[-1]["message"]
