"""Several training runs side by side: what each came to, in what they differ, and whether the difference is real."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from googlenet.data.index import Dataset, Split
from googlenet.errors import ModelFileError
from googlenet.evaluation.mcnemar import mcnemar
from googlenet.evaluation.protocol import judge
from googlenet.evaluation.short_names import short_names
from googlenet.weights.model_file import SealedModel, read_model

MODEL_FILE, TEST_FILE = "model.safetensors", "test.json"  # as training writes them
SURE = 0.05
"""A p-value below this is called a difference."""


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One run: its model, and what its own test found, None where there was none."""

    path: Path
    model: SealedModel
    test: dict[str, Any] | None

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that it was trained with; empty for a model that was not trained here."""
        found = self.model.record.get("settings")
        return found if isinstance(found, dict) else {}

    @property
    def history(self) -> list[dict[str, float]]:
        """The figures of each epoch."""
        found = self.model.record.get("history")
        return found if isinstance(found, list) else []

    @property
    def data(self) -> str | None:
        """The fingerprint of the images and the split that it was trained on."""
        found = self.model.record.get("data")
        return found.get("fingerprint") if isinstance(found, dict) else None

    def as_json(self) -> dict[str, Any]:
        """One entry of ``runs`` in the document of ``googlenet compare --json`` (docs/cli.md)."""
        spec, size = self.model.spec.without_heads(), self.model.preprocessing.crop_size
        test = self.test or {}
        return {
            "run": str(self.path),
            "test": {name: test.get(name) for name in ("images", "top1", "top5", "intervals")} if test else None,
            "val_top1": self.model.record.get("val_top1"),
            "epochs": self.history[-1]["epoch"] if self.history else None,
            "variant": spec.variant,
            "input_size": size,
            "parameters": spec.parameter_count,
            "macs": sum(spec.macs(size).values()),
            "data": self.data,
        }


@dataclass(frozen=True)
class Pair:
    """Two models on the same images."""

    first: str
    second: str
    images: int
    both: int  # right
    only_first: int
    only_second: int
    p: float  # McNemar, exact, two-sided

    @property
    def verdict(self) -> str:
        """One sentence, with the shortest names that tell the two apart."""
        short = short_names([self.first, self.second])
        first, second = short[self.first], short[self.second]
        only = f"only {first} has {self.only_first} of {self.images} images right, only {second} {self.only_second}"
        if self.p >= SURE:
            return f"no difference between {first} and {second} can be told: {only}; p = {self.p:.2g}"
        better, worse = (first, second)[:: 1 if self.only_first > self.only_second else -1]
        return f"{better} is better than {worse}: {only}; p = {self.p:.2g}"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs in the order given; ``pairs`` is empty where no images were given to judge on."""

    runs: tuple[ComparedRun, ...]
    pairs: tuple[Pair, ...] = ()

    @property
    def names(self) -> list[str]:
        """What to call each run: as much of its path as tells it apart."""
        paths = [str(run.path) for run in self.runs]
        short = short_names(paths)
        return [short[path] for path in paths]

    @property
    def differences(self) -> dict[str, list[Any]]:
        """Setting -> its value in each run, for those in which they differ; None where a run has no such setting."""
        names = dict.fromkeys(name for run in self.runs for name in run.settings)
        rows = {name: [run.settings.get(name) for run in self.runs] for name in names}
        return {name: values for name, values in rows.items() if any(value != values[0] for value in values)}

    @property
    def same_data(self) -> bool:
        """Whether all were trained, and so tested, on the same images in the same split."""
        return self.runs[0].data is not None and len({run.data for run in self.runs}) == 1

    @property
    def recalls(self) -> list[tuple[str, list[float | None]]]:
        """Class -> the part of its test images that each run has right, for the classes of the first run."""
        columns = [{row["name"]: row["recall"] for row in (run.test or {}).get("per_class", [])} for run in self.runs]
        return [(name, [column.get(name) for column in columns]) for name in columns[0]]

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet compare --json`` prints (docs/cli.md)."""
        return {
            "runs": [run.as_json() for run in self.runs],
            "settings": self.differences,
            "same_data": self.same_data,
            "pairs": [pair.__dict__ | {"verdict": pair.verdict} for pair in self.pairs],
        }


def read_run(path: Path) -> ComparedRun:
    """The run in a folder that ``googlenet train`` made, or a bare sealed model; raises ``ModelFileError``."""
    if not path.is_dir():
        return ComparedRun(path, read_model(path), None)
    if not (path / MODEL_FILE).exists():
        raise ModelFileError(
            f"{path}: holds no {MODEL_FILE}; give a folder that googlenet train made, or a sealed model"
        )
    test, file = None, path / TEST_FILE
    if file.exists():
        try:
            test = json.loads(file.read_text(encoding="utf-8"))
            _ = test["images"], test["top1"], test["top5"], test["intervals"]["top1"]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelFileError(f"{file}: is no evaluation that googlenet train wrote ({error}); remove it") from error
    return ComparedRun(path, read_model(path / MODEL_FILE), test)


def pair_up(
    runs: Sequence[ComparedRun],
    dataset: Dataset,
    *,
    split: str = "test",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Pair, ...]:
    """Every two of the runs on the images of ``split``, which all judge anew.

    Raises ``ModelFileError`` where they know different classes, ``DataError`` without images.
    """
    indices = dataset.select(None if split == "all" else Split[split.upper()])
    judged = judge([run.model for run in runs], dataset, indices, crops=(1,), progress=progress)
    rights = [answers.rank == 0 for answers in judged.alone]
    pairs = []
    for (run, right), (other, other_right) in combinations(zip(runs, rights, strict=True), 2):
        only, only_other = int(np.sum(right & ~other_right)), int(np.sum(other_right & ~right))
        both = int(np.sum(right & other_right))
        pairs.append(
            Pair(str(run.path), str(other.path), len(right), both, only, only_other, mcnemar(only, only_other))
        )
    return tuple(pairs)
