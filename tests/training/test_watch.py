"""The doctor of a training at work: a remedy that is applied, and an image that breaks the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from googlenet.data.batches import Batch
from googlenet.data.index import read_dataset
from googlenet.data.preprocess import Preprocessing
from googlenet.network.initial import initial_weights
from googlenet.recipes import scratch
from googlenet.training import run as training_run
from googlenet.training.learner import Step
from googlenet.training.run import new_run_folder, run_settings, train
from googlenet.training.torch_learner import TorchLearner
from googlenet.training.vitals import Broken
from googlenet.variants import batch_norm

SMALL = {"image_size": 64, "batch_size": 8, "precision": "fp32"}


def test_fix_begins_again_with_a_tenth_of_the_rate(
    colour_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def narrow(name: str, classes: int, aux_heads: bool) -> Any:
        return batch_norm(classes, aux_heads=aux_heads).scaled(1 / 16)

    monkeypatch.setattr(training_run, "variant", narrow)
    out = new_run_folder(tmp_path / "run")
    settings = scratch(**SMALL, epochs=8, learning_rate=200.0, doctor="fix")
    model = train(read_dataset(colour_folder(per_class=12)), settings, out)
    first = model.record["doctor"][0]
    assert first["name"] in {"diverged", "not a number"}
    assert first["began_again_with"] == {"learning_rate": 20.0}
    assert run_settings(out).learning_rate == 20.0


def test_the_layer_and_the_image_that_break_are_found_and_no_weight_is_spoiled() -> None:
    learner = TorchLearner(
        batch_norm(4).scaled(1 / 16), Preprocessing(resize_size=72, crop_size=64), scratch(**SMALL), None
    )
    learner.load(initial_weights(learner.net.spec, 0))

    def spoil(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        return output.index_fill(0, torch.tensor([1]), torch.nan)

    learner.net.layers["inception_4a/3x3"].register_forward_hook(spoil)
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.uint8)
    before = learner.net.canonical()
    figures = learner.step(Batch(images, np.arange(4), np.arange(4)), Step(0.05, 0.5, seed=0))
    assert not np.isfinite(figures["gradient_norm"])
    prepared = np.random.default_rng(0).standard_normal((4, 3, 64, 64), np.float32)
    assert learner.vitals(prepared).broken == Broken("inception_4a/3x3", (1,))
    after = learner.net.canonical()
    assert all(np.array_equal(before[name], after[name]) for name in before if "/norm/" not in name)
