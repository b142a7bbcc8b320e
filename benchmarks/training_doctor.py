"""Failures planted on purpose, and healthy runs: does the doctor of the training name the ones and leave the others be?

    python benchmarks/training_doctor.py [--seeds 100 101 102] [--only NAME …]

Each run trains a network of an eighth of the width on a few hundred of scikit-learn's digits at 64 px, through
``googlenet.training.run.train``. A failure is named rightly when the first symptom that is
said in the run is one that counts as right for it. Choose thresholds with the seeds 0 to 9; report figures for others.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

from googlenet.data.index import Dataset, Split, read_dataset
from googlenet.demo import write_digits
from googlenet.errors import TrainingError
from googlenet.network.initial import initial_weights
from googlenet.recipes import scratch
from googlenet.training import run as training_run
from googlenet.training.run import new_run_folder, train
from googlenet.training.symptoms import Symptom
from googlenet.training.torch_learner import TorchLearner
from googlenet.training.watch import Watch
from googlenet.variants import variant

CLASSES, PER_CLASS = 5, 60
DIGITS: dict[str, Any] = {
    "image_size": 64,
    "epochs": 8,
    "batch_size": 16,
    "precision": "fp32",
    "flip": False,
    "crop_area": (0.7, 1.0),
}
DIGITS |= {"test_size": None, "trivial_augment": False, "erase": 0.0, "optimiser": "sgd", "weight_decay": 2e-4}

Change = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A run; ``right`` are the symptoms that name its failure, none for a healthy one."""

    name: str
    right: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    data: Change | None = None  # (dataset, rng) -> dataset
    images: Change | None = None  # (pixels, rng) -> pixels, of each file
    weights: Change | None = None  # (name, tensor) -> tensor, before training
    learner: Change | None = None  # the learner, once it has its weights
    tuned: bool = False  # starts from a network that knows other images of the same kinds


def _labels(split: tuple[Split, ...]) -> Change:
    def shuffle(dataset: Dataset, rng: np.random.Generator) -> Dataset:
        labels = dataset.labels.copy()
        for part in split:
            rows = dataset.select(part)
            labels[rows] = rng.permutation(labels[rows])
        return replace(dataset, labels=labels)

    return shuffle


def _keep(count: int) -> Change:
    """So many training images of the last class."""

    def thin(dataset: Dataset, rng: np.random.Generator) -> Dataset:
        rows = dataset.select(Split.TRAIN)
        rows = rows[dataset.labels[rows] == CLASSES - 1]
        splits = dataset.splits.copy()
        splits[rows[count:]] = Split.TEST
        return replace(dataset, splits=splits)

    return thin


def _noisy(dataset: Dataset, rng: np.random.Generator) -> Dataset:
    """Few training images, two in five of them labelled wrongly: what is learned by heart holds for no others."""
    labels, splits = dataset.labels.copy(), dataset.splits.copy()
    rows = rng.permutation(dataset.select(Split.TRAIN))
    splits[rows[150:]] = Split.TEST
    labels[rows[:75]] = rng.integers(0, CLASSES, 75)
    return replace(dataset, labels=labels, splits=splits)


def _scale(factor: float, part: str = "") -> Change:
    return lambda name, tensor: tensor * np.float32(factor if part in name and name.endswith("/weight") else 1)


def _kill(*layers: str) -> Change:
    """The layers' shift far below zero, and their weights none."""

    def change(name: str, tensor: Any) -> Any:
        if not name.startswith(layers):
            return tensor
        if name.endswith(("/bias", "/beta")):
            return np.full_like(tensor, -50)
        return tensor * 0 if name.endswith("/weight") else tensor

    return change


def _poison(layer: str, rows: int | None) -> Change:
    """From the 20th batch on, this layer's output is no number for so many images of the batch (None: all)."""

    def change(learner: TorchLearner) -> None:
        steps = 0
        chosen: Any = None
        step = learner.step

        def spoiled(module: Any, inputs: Any, output: Any) -> Any:
            if chosen is None:
                return output
            output = output.clone()
            output[chosen] = torch.nan
            return output

        def counted(batch: Any, how: Any) -> Any:
            nonlocal steps, chosen
            steps += 1
            if steps == 20:
                chosen = slice(None, rows)
            return step(batch, how)

        learner.net.layers[layer].register_forward_hook(spoiled)
        learner.step = counted  # type: ignore[method-assign]

    return change


def _blank(pixels: Any, rng: np.random.Generator) -> Any:
    return np.full((*pixels.shape[:2], 3), rng.integers(0, 256, 3), np.uint8)


def _grey(pixels: Any, rng: np.random.Generator) -> Any:
    return rng.integers(126, 131, pixels.shape[:2]).astype(np.uint8)


RATE = 0.05
ADAMW = {"optimiser": "adamw", "learning_rate": 1e-3}
TOO_LARGE = ("diverged", "rate too large", "not a number")
FAILURES = [
    Case("rate x30", TOO_LARGE, {"learning_rate": 30 * RATE}),
    Case("rate x30, plain network", TOO_LARGE, {"variant": "tutorial", "aux_heads": False, "learning_rate": 30 * 0.02}),
    Case("rate x100, AdamW", TOO_LARGE, {"optimiser": "adamw", "learning_rate": 0.3}),
    Case("rate /100,000", ("rate too small",), {"learning_rate": RATE / 1e5}),
    Case("init zero", ("no gradient",), weights=_scale(0)),
    Case("init zero in 3a", ("no gradient",), weights=_scale(0, "inception_3a")),
    Case(
        "init /10, no batch norm",
        ("stuck without batch norm", "no gradient"),
        {"variant": "tutorial", "aux_heads": False},
        weights=_scale(0.1),
    ),
    Case("init x10, no batch norm", TOO_LARGE, {"variant": "tutorial", "aux_heads": False}, weights=_scale(10)),
    Case("paper's network, no batch norm", ("stuck without batch norm",), {"variant": "paper", "aux_heads": False}),
    Case(
        "labels shuffled",
        ("labels look shuffled", "validation labels do not fit"),
        data=_labels((Split.TRAIN, Split.VAL)),
    ),
    Case(
        "training labels shuffled",
        ("labels look shuffled", "validation labels do not fit"),
        data=_labels((Split.TRAIN,)),
    ),
    Case("validation labels shuffled", ("validation labels do not fit",), data=_labels((Split.VAL,))),
    Case("a class empty", ("class without training images",), data=_keep(0)),
    Case("a class of two images", ("class never predicted",), data=_keep(2)),
    Case("images all alike", ("images all alike",), images=_grey),
    Case("images of one colour", ("images of one colour",), images=_blank),
    Case("NaN in one image's path", ("not a number",), learner=_poison("inception_4a/3x3", 1)),
    Case("a branch dead", ("dead ReLUs",), weights=_kill("inception_4c/5x5", "inception_4c/5x5_reduce")),
    Case("an auxiliary head dead", ("dead ReLUs",), weights=_kill("loss1/conv", "loss1/fc")),
    Case(
        "learned by heart",
        ("overfitting",),
        {"epochs": 30, "crop_area": (1.0, 1.0), "label_smoothing": 0.0, "learning_rate": 0.02, "average_decay": 0.5},
        data=_noisy,
    ),
]
HEALTHY = [
    Case("batch norm"),
    Case("batch norm, no heads", settings={"aux_heads": False}),
    Case("batch norm, half the rate", settings={"learning_rate": RATE / 2}),
    Case("batch norm, AdamW", settings={"optimiser": "adamw", "learning_rate": 3e-3}),
    Case("batch norm, augmented", settings={"trivial_augment": True, "epochs": 12}),
    Case("batch norm, batch 8", settings={"batch_size": 8, "learning_rate": RATE / 2}),
    Case("torchvision's network", settings={"variant": "torchvision"}),
    Case("class weights, one class rare", settings={"class_weights": True, "epochs": 12}, data=_keep(24)),
    Case("no smoothing", settings={"label_smoothing": 0.0}),
    Case("short", settings={"epochs": 3}),
    Case("no batch norm", settings={"variant": "tutorial", "aux_heads": False, "epochs": 16} | ADAMW),
    Case("fine-tuned", settings={"frozen": ("conv1", "conv2"), "aux_heads": False, "epochs": 6} | ADAMW, tuned=True),
]


class _NamedError(Exception):
    """A failure has a name: the rest of its run says no more."""


def digits(source: Path, folder: Path, seed: int, change: Change | None = None) -> Dataset:
    """Some hundred digits of five kinds, as files."""
    rng = np.random.default_rng(seed)
    for label in range(CLASSES):
        files = sorted((source / str(label)).iterdir())
        for k in rng.choice(len(files), PER_CLASS, replace=False):
            target = folder / "some" / str(label) / files[k].name
            target.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.asarray(Image.open(files[k]))
            Image.fromarray(pixels if change is None else change(pixels, rng)).save(target)
    dataset = read_dataset(folder / "some", seed=seed)
    return replace(dataset, splits=np.where(dataset.splits == Split.TEST, Split.VAL, dataset.splits))


def run(case: Case, seed: int, source: Path, folder: Path) -> list[str]:
    """The names of the symptoms that were said; of a failure the first, where the run then ends."""
    dataset = digits(source, folder, seed, case.images)
    if case.data:
        dataset = case.data(dataset, np.random.default_rng(seed))
    start: dict[str, Any] = {}
    if case.tuned:
        run(Case("before"), seed + 1, source, folder / "before")
        start = {"weights": folder / "before" / "run" / "model.safetensors"}
    settings = scratch(**({"learning_rate": RATE, "seed": seed} | DIGITS | case.settings | start))
    load = TorchLearner.load

    def prepared(learner: TorchLearner, tensors: Any) -> None:
        load(learner, tensors)
        if case.learner:
            case.learner(learner)

    def first(spec: Any, seed: int) -> Any:
        drawn = initial_weights(spec, seed)
        return {name: case.weights(name, value) for name, value in drawn.items()} if case.weights else drawn

    def narrow(name: str, classes: int, aux_heads: bool) -> Any:
        return variant(name, classes, aux_heads=aux_heads).scaled(1 / 8)

    out = new_run_folder(folder / "run")
    said: list[str] = []
    say = Watch._say

    def heard(watch: Watch, symptom: Symptom) -> None:
        if symptom.name not in said:
            said.append(symptom.name)
        say(watch, symptom)
        if case.right:
            raise _NamedError

    with (
        patch.object(Watch, "_say", heard),
        patch.object(training_run, "variant", narrow),
        patch.object(training_run, "initial_weights", first),
        patch.object(TorchLearner, "load", prepared),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.suppress(TrainingError, _NamedError),
    ):
        train(dataset, settings, out)
    lines = [json.loads(line).get("message", "") for line in (out / "log.jsonl").read_text("utf-8").splitlines()]
    for line in lines:
        if line.startswith(("doctor: ", "epoch")):
            print(f"    {line}")
    return said


def main() -> None:
    """Run them all and print the two rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[100, 101, 102])
    parser.add_argument("--healthy-seeds", type=int, nargs="*", default=[100])
    parser.add_argument("--only", nargs="+", default=[])
    arguments = parser.parse_args()
    named: list[bool] = []
    alarms: list[bool] = []
    with tempfile.TemporaryDirectory() as source:
        write_digits(Path(source) / "all")
        for case in HEALTHY + FAILURES:
            if arguments.only and case.name not in arguments.only:
                continue
            for seed in arguments.seeds if case.right else arguments.healthy_seeds:
                with tempfile.TemporaryDirectory() as folder:
                    said = run(case, seed, Path(source) / "all", Path(folder))
                if case.right:
                    named.append(bool(said) and said[0] in case.right)
                else:
                    alarms.append(bool(said))
                wrong = "" if not case.right or named[-1] else "   NOT NAMED RIGHTLY"
                print(f"{case.name:32} seed {seed}: {', '.join(said) or 'nothing'}{wrong}", flush=True)
    print(f"named rightly: {sum(named)} of {len(named)}; healthy runs with an alarm: {sum(alarms)} of {len(alarms)}")


if __name__ == "__main__":
    main()
