"""What both sides are told to compute, and the files in which they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from googlenet.spec import Spec
from googlenet.weights.model_file import SealedModel, read_model

PROBES = 4
"""Images of the first batch whose activations are compared: all layers of one image are 40 MB."""

AUX_WEIGHT = 0.3
"""Of each auxiliary head's loss (paper, section 5)."""

_MODEL, _IMAGES, _LABELS, _PLAN = "model.safetensors", "images.npy", "labels.npy", "plan.json"


@dataclass(frozen=True, eq=False)
class Job:
    """One model, the images in the order in which they are trained on, and how.

    ``images``: float32 (N, 3, size, size), prepared; ``labels``: int64 (N,); ``rate``: of a step.
    """

    model: SealedModel
    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    steps: int
    batch_size: int
    rate: float

    def batch(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Images and labels of a step; after the last image comes the first one again."""
        rows = np.arange(step * self.batch_size, (step + 1) * self.batch_size) % len(self.labels)
        return self.images[rows], self.labels[rows]

    @property
    def probes(self) -> NDArray[np.float32]:
        """The images whose activations are compared."""
        return np.array(self.images[:PROBES])


@dataclass(frozen=True, eq=False)
class Answer:
    """What one framework computed, all in the canonical layout and under the canonical names."""

    activations: Mapping[str, NDArray[np.floating]]  # of every layer for the probes, in inference
    gradients: Mapping[str, NDArray[np.floating]]  # of every parameter, in the first step
    losses: NDArray[np.floating]  # (steps,), of all heads together, each before its step
    weights: Mapping[str, NDArray[np.floating]]  # after the last step; batch norm's statistics among them


def still(spec: Spec) -> Spec:
    """The same network without dropout, whose draws no two frameworks share."""
    return replace(spec, dropout=0.0, aux=replace(spec.aux, dropout_before_fc=0.0, dropout=0.0))


def write_job(folder: Path, job: Job) -> None:
    """Write all but the images, which already lie in ``images_file(folder)``."""
    job.model.save(folder / _MODEL)
    np.save(folder / _LABELS, job.labels)
    plan = {"steps": job.steps, "batch_size": job.batch_size, "rate": job.rate}
    (folder / _PLAN).write_text(json.dumps(plan), encoding="utf-8")


def read_job(folder: Path) -> Job:
    """What ``write_job`` wrote; the images stay on the disk until they are asked for."""
    plan = json.loads((folder / _PLAN).read_text(encoding="utf-8"))
    images = np.load(images_file(folder), mmap_mode="r")
    return Job(read_model(folder / _MODEL), images, np.load(folder / _LABELS), **plan)


def images_file(folder: Path) -> Path:
    """Where the images of a job lie."""
    return folder / _IMAGES


def write_answer(folder: Path, name: str, answer: Answer) -> None:
    """Leave ``answer`` under ``name``."""
    parts = {"activation": answer.activations, "gradient": answer.gradients, "weight": answer.weights}
    tensors = {f"{kind} {key}": np.ascontiguousarray(value) for kind, of in parts.items() for key, value in of.items()}
    save_file({"losses": np.asarray(answer.losses)} | tensors, folder / f"{name}.safetensors")


def read_answer(folder: Path, name: str) -> Answer:
    """The answer that was left under ``name``."""
    parts: dict[str, dict[str, NDArray[np.floating]]] = {"activation": {}, "gradient": {}, "weight": {}}
    tensors = load_file(folder / f"{name}.safetensors")
    losses = tensors.pop("losses")
    for key, value in tensors.items():
        kind, _, tensor = key.partition(" ")
        parts[kind][tensor] = value
    return Answer(parts["activation"], parts["gradient"], losses, parts["weight"])
