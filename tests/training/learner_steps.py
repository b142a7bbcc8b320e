"""Run as a program: some steps of a learner on made-up batches, in a process of its own.

    python learner_steps.py FRAMEWORK CASE STEPS OUT.npz [CASE STEPS OUT.npz]...

Writes each step's figures, the average's weights and logits. Nothing is random but the pictures: no dropout, no
augmentation. Under torchrun each process writes its own, RANK in OUT is its number.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from googlenet.data.batches import Batch
from googlenet.data.preprocess import Preprocessing
from googlenet.network.initial import initial_weights
from googlenet.recipes import scratch
from googlenet.settings import TrainSettings
from googlenet.spec import Spec
from googlenet.training.learner import Step, find_learner
from googlenet.training.processes import together
from googlenet.training.schedule import share_of_step
from googlenet.variants import variant

CLASSES, BATCH = 5, 8

# New networks with batch norm amplify rounding from step to step: a ReLU or a max pool decides otherwise, and all
# gradients before it change. PyTorch parts from its own float64 in the same way. So the shifts of batch norm begin
# at 2, which leaves fewer ReLUs near zero, and the rates are small; plain networks need neither.
_SHIFT = 2.0

CASES: dict[str, dict[str, Any]] = {
    "paper": {"variant": "paper", "image_size": 96, "aux_heads": False, "learning_rate": 3e-3, "nesterov": False},
    "paper, heads": {"variant": "paper", "image_size": 224, "learning_rate": 3e-3},
    "class weights": {
        "variant": "paper",
        "image_size": 96,
        "aux_heads": False,
        "learning_rate": 3e-3,
        "class_weights": True,
    },
    "batch_norm": {"variant": "batch_norm", "image_size": 96, "learning_rate": 2e-4},
    "short": {"variant": "batch_norm", "image_size": 64, "learning_rate": 2e-4},
    "adamw": {
        "variant": "batch_norm",
        "image_size": 96,
        "learning_rate": 1e-5,
        "optimiser": "adamw",
        "frozen": ("conv1", "conv2"),
        "class_weights": True,
        "weight_decay": 0.02,
    },
}


def spec_of(settings: TrainSettings, case: str) -> Spec:
    """A quarter of the width, no dropout; the case "short" has one module of each stage and both heads."""
    spec = variant(settings.variant, CLASSES, aux_heads=settings.aux_heads).scaled(1 / 4)
    if case == "short":
        spec = replace(spec, modules=tuple(part for part in spec.modules if part.name in ("3a", "4a", "4d", "5a")))
    return replace(spec, dropout=0.0, aux=replace(spec.aux, dropout=0.0, dropout_before_fc=0.0))


def first_weights(spec: Spec) -> dict[str, np.ndarray]:
    """As training draws them, but for the shifts."""
    drawn = initial_weights(spec, seed=0)
    return {name: value + np.float32(_SHIFT * name.endswith("/beta")) for name, value in drawn.items()}


def batches(size: int, steps: int) -> Iterator[Batch]:
    """Noise, as bright as its class says."""
    rng = np.random.default_rng(0)
    for _ in range(steps):
        labels = rng.integers(0, CLASSES, BATCH)
        noise = rng.integers(0, 128, (BATCH, size, size, 3))
        pixels = (noise + 30 * labels[:, None, None, None]).astype(np.uint8)
        yield Batch(pixels, labels, np.arange(BATCH))


def run(framework: Any, case: str, steps: int) -> dict[str, Any]:
    """Take the steps; what the module writes."""
    one_size: dict[str, Any] = {"first_size": None, "test_size": None}
    usual = {"optimiser": "sgd", "weight_decay": 5e-4, "precision": "fp32", "batch_size": BATCH, "warmup": 0.0}
    settings = scratch(**(one_size | usual | CASES[case]), framework=framework)
    with together(settings):
        return _run(settings, case, steps)


def _run(settings: TrainSettings, case: str, steps: int) -> dict[str, Any]:
    framework: Any = settings.framework
    size = settings.image_size
    weights = np.linspace(0.5, 1.5, CLASSES, dtype=np.float32) if settings.class_weights else None
    spec = spec_of(settings, case)
    learner = find_learner(framework)(spec, Preprocessing(resize_size=size, crop_size=size), settings, weights)
    learner.load(first_weights(spec))
    figures = []
    for number, batch in enumerate(batches(size, steps)):
        mine = slice(learner.rank, None, learner.world)
        share = Batch(batch.images[mine], batch.labels[mine], batch.indices[mine])
        rate = settings.learning_rate * min(1.0, (number + 1) / 5)
        figures.append(learner.step(share, Step(rate, share_of_step(settings, number), seed=number)))
    images = np.random.default_rng(1).standard_normal((3, 3, size, size), np.float32)
    found = {"logits": learner.logits(images), "features": learner.features(images)} | learner.averaged()
    return {"figures": json.dumps(figures), "device": learner.device} | found


if __name__ == "__main__":
    framework, *work = sys.argv[1:]
    if devices := os.environ.get("VIRTUAL_DEVICES"):
        import tensorflow as tf

        from googlenet.training import tensorflow_learner

        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * int(devices))
        names = [device.name for device in tf.config.list_logical_devices("CPU")]
        tensorflow_learner.choose_strategy = lambda: tf.distribute.MirroredStrategy(names)
    other = {"torch": "tensorflow", "tensorflow": "torch", "jax": "torch"}[framework]
    for case, steps, out in zip(*[iter(work)] * 3, strict=True):
        found = run(framework, case, int(steps))
        own = out.replace("RANK", os.environ.get("RANK", "0"))
        np.savez(own, **{name.replace("/", "|"): value for name, value in found.items()})
    assert other not in sys.modules, f"{framework} brought {other} along"
