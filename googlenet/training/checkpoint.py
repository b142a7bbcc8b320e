"""What a run needs to go on where it was: written now and then, whole at every instant.

Two files take turns, ``checkpoint-0.safetensors`` and ``checkpoint-1.safetensors``, so that the older one is there
should the newer one be lost. Position, figures and history are JSON in the metadata; the tensors are the best weights
so far and all that the learner keeps. No pickle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from googlenet.errors import TrainingError
from googlenet.saving import atomic_write

_NAMES = ("checkpoint-0.safetensors", "checkpoint-1.safetensors")
_KEY = "googlenet-checkpoint"
_BEST, _STATE = "best/", "state/"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run between two steps."""

    samples: int  # consumed so far, all epochs together
    images: int  # of the epoch that is under way
    sums: Mapping[str, float]  # of its figures
    history: list[dict[str, float]]
    val_top1: float
    best: Mapping[str, NDArray[np.float32]]
    state: Mapping[str, NDArray[Any]]  # the learner's
    findings: list[dict[str, Any]] = field(default_factory=list)  # what the doctor has said

    def save(self, folder: Path) -> None:
        """Write into ``folder`` over the older of the two; raises ``ModelFileError`` where that cannot be done."""
        names = ("samples", "images", "sums", "history", "val_top1", "findings")
        document = {name: getattr(self, name) for name in names}
        tensors = {_BEST + name: tensor for name, tensor in self.best.items()}
        tensors |= {_STATE + name: tensor for name, tensor in self.state.items()}
        content = save(
            {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}, {_KEY: json.dumps(document)}
        )
        positions = {name: _position(folder / name) for name in _NAMES}
        atomic_write(folder / min(_NAMES, key=lambda name: positions[name]), [content])


def latest(folder: Path) -> tuple[Checkpoint | None, str | None]:
    """The newest whole checkpoint of a run (None: it was ended before its first), and what is wrong with the other.

    Raises ``TrainingError`` where all are damaged.
    """
    found: list[Checkpoint] = []
    trouble = None
    for name in _NAMES:
        if (folder / name).exists():
            try:
                found.append(_read(folder / name))
            except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
                trouble = f"{folder / name}: is damaged or cut short ({error})"
    if trouble and not found:
        raise TrainingError(f"{trouble}, and there is no other; train anew with another --out")
    return max(found, key=lambda checkpoint: checkpoint.samples, default=None), trouble


def sweep(folder: Path) -> None:
    """Remove what a killed process left half written."""
    for path in folder.glob(".*.partial"):
        path.unlink()


def discard(folder: Path) -> None:
    """Remove the checkpoints of a training that begins again."""
    for name in _NAMES:
        (folder / name).unlink(missing_ok=True)


def _read(path: Path) -> Checkpoint:
    with safe_open(path, framework="numpy") as file:
        document = json.loads((file.metadata() or {})[_KEY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    best = {name.removeprefix(_BEST): tensor for name, tensor in tensors.items() if name.startswith(_BEST)}
    state = {name.removeprefix(_STATE): tensor for name, tensor in tensors.items() if name.startswith(_STATE)}
    return Checkpoint(**document, best=best, state=state)


def _position(path: Path) -> int:
    """The samples of a checkpoint; -1 where it is absent or damaged, so that it is the one to be replaced."""
    try:
        with safe_open(path, framework="numpy") as file:
            return int(json.loads((file.metadata() or {})[_KEY])["samples"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return -1
