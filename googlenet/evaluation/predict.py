"""Paths to answers: which files are meant, and what the model says of each, in the order they came."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import evaluation_batches
from googlenet.data.decode import EXTENSIONS
from googlenet.data.listing import Skipped
from googlenet.data.preprocess import Preprocessing, prepare
from googlenet.engines import Engine
from googlenet.errors import DataError
from googlenet.evaluation.score import BATCH, softmax
from googlenet.weights.model_file import SealedModel

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Answer:
    """One class that an image may be."""

    index: int
    label: str
    probability: float  # 0–1


@dataclass(frozen=True)
class Prediction:
    """The likeliest classes of one image, likeliest first."""

    path: str
    predictions: tuple[Answer, ...]

    def as_json(self) -> dict[str, Any]:
        """The entry that ``googlenet predict --json`` prints (docs/cli.md)."""
        answers = [{"index": a.index, "label": a.label, "probability": a.probability} for a in self.predictions]
        return {"path": self.path, "predictions": answers}


def find_images(sources: Iterable[str]) -> Iterator[Path]:
    """The image files meant by files, folders (searched wholly, hidden parts left out), globs, or ``-``: paths on
    standard input, one a line. Raises ``DataError`` for a source that is nothing of the kind.
    """
    for source in sources:
        if source == STANDARD_INPUT:
            yield from (Path(line.rstrip("\n")) for line in sys.stdin if line.strip())
        elif os.path.isdir(source):  # noqa: PTH112 - a glob is no path yet
            yield from _images_below(Path(source))
        elif os.path.exists(source) or not glob.has_magic(source):  # noqa: PTH110
            yield Path(source)
        else:
            matches = sorted(glob.glob(source, recursive=True))  # noqa: PTH207
            if not matches:
                raise DataError(f"{source}: matches no file; check the pattern, or quote it from the shell")
            yield from find_images(matches)


def _images_below(folder: Path) -> Iterator[Path]:
    found = False
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and name.lower().endswith(EXTENSIONS):
                found = True
                yield Path(parent) / name
    if not found:
        raise DataError(f"{folder}: holds no images; give a folder with .jpg, .png, .webp, .bmp, .gif or .tif files")


def predict(
    model: SealedModel,
    engine: Engine,
    preprocessing: Preprocessing,
    paths: Iterable[Path],
    *,
    top: int,
    skipped: list[Skipped],
) -> Iterator[Prediction]:
    """The ``top`` likeliest classes of each image, in order; files that cannot be read are appended to ``skipped``."""
    remaining = iter(paths)
    while block := list(islice(remaining, 64 * BATCH)):
        for batch in evaluation_batches(block, preprocessing, batch_size=BATCH, skipped=skipped):
            probabilities = softmax(engine.logits(batch.images))
            for i, row in zip(batch.indices, probabilities, strict=True):
                yield Prediction(str(block[i]), best_answers(model, row, top))


def predict_one(model: SealedModel, engine: Engine, source: Path | bytes, *, top: int) -> Prediction:
    """The answer for one image file, or its bytes; raises ``ImageError`` when it cannot be read."""
    probabilities = softmax(engine.logits(prepare(source, model.preprocessing)[None]))
    return Prediction("" if isinstance(source, bytes) else str(source), best_answers(model, probabilities[0], top))


def best_answers(model: SealedModel, probabilities: NDArray[np.float32], top: int) -> tuple[Answer, ...]:
    """The ``top`` likeliest of (classes,) probabilities."""
    order = np.argsort(-probabilities, kind="stable")[:top]
    return tuple(Answer(int(i), model.classes[i].name, float(probabilities[i])) for i in order)
