"""A finished run once more from its record: are the images, the environment and the weights the same?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from googlenet.data.index import read_dataset
from googlenet.errors import TrainingError
from googlenet.training.images_file import data_differences
from googlenet.training.run import MODEL_FILE, new_run_folder, run_settings, train
from googlenet.weights.model_file import SealedModel, Tensors, read_model


@dataclass(frozen=True)
class Replay:
    """What came of a repetition; the lists say in words what is not as it was."""

    data: list[str]
    environment: list[str]
    tensors: int
    changed: int  # tensors that are not the same to the bit
    difference: float  # the greatest of a value, fraction of its tensor's largest; infinite for another network

    @property
    def same(self) -> bool:
        """Whether the weights came out the same, to the bit."""
        return not self.changed

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet replay --json`` prints (docs/cli.md)."""
        difference = self.difference if isfinite(self.difference) else None
        return {"same": self.same, **asdict(self), "difference": difference}


def replay(
    run: Path, data: Path, folder: Path, *, reading: Callable[[int, int], None], say: Callable[[str], None]
) -> Replay:
    """Train as the run in ``run`` did, on ``data``, into the new folder ``folder``, and compare.

    ``reading`` is told (done, total) while the images are verified; ``say`` hears before the training, which may take
    hours, what of the images is not as it was. Raises ``SettingsError`` and ``ModelFileError`` where ``run`` is no
    finished run, ``TrainingError`` for one that was interrupted, and what ``train`` raises.
    """
    settings, before = run_settings(run), read_model(run / MODEL_FILE)
    if before.record.get("interrupted"):
        raise TrainingError(f"{run}: was interrupted, nobody can say after which step; only whole runs can be repeated")
    dataset = read_dataset(data, seed=settings.seed, progress=reading)
    differences = data_differences(dataset, run)
    if differences:
        say(
            f"{data}: is not what the run in {run} was trained on, so that its weights will be others; "
            f"{'; '.join(differences)}"
        )
    after = train(dataset, settings, new_run_folder(folder))
    changed, greatest = _compare(before.tensors, after.tensors)
    return Replay(differences, _environment(before, after), len(before.tensors), changed, greatest)


def _environment(before: SealedModel, after: SealedModel) -> list[str]:
    names = ("precision", "threads")
    pairs = {name: (before.record.get(name), after.record.get(name)) for name in names}
    versions = before.record.get("versions")
    for name, then in versions.items() if isinstance(versions, Mapping) else ():
        pairs[name] = (then, _version(name))
    return [f"{name} was {then}, is {now}" for name, (then, now) in pairs.items() if then != now]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _compare(before: Tensors, after: Tensors) -> tuple[int, float]:
    """How many tensors are not the same to the bit, and by how much the worst one is off."""
    changed, greatest = 0, 0.0
    for name, tensor in before.items():
        other = after.get(name)
        if other is None or other.shape != tensor.shape:
            return len(before), float("inf")  # another network: other classes, say
        if not np.array_equal(tensor, other):
            changed += 1
            scale = max(float(np.abs(tensor).max()), float(np.finfo(np.float32).tiny))
            greatest = max(greatest, float(np.abs(tensor - other).max()) / scale)
    return changed, greatest
