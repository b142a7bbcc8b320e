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

from googlenet.data.decode import EXTENSIONS
from googlenet.data.listing import Skipped
from googlenet.data.preprocess import Preprocessing, prepare
from googlenet.engines import Engine
from googlenet.errors import DataError, ImageError
from googlenet.evaluation.softmax import softmax
from googlenet.weights.model_file import SealedModel

STANDARD_INPUT = "-"

_BATCH = 32
_BLOCK = 2048  # paths taken from a long list at once


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


def find_images(sources: Iterable[str], skipped: list[Skipped]) -> Iterator[Path]:
    """The image files meant by files, folders (searched wholly, hidden parts left out), globs, or ``-``: paths on
    standard input, one a line.

    A folder without images and a glob that matches nothing are appended to ``skipped``. A file that is named outright
    comes whatever its name. Raises ``DataError`` when standard input is no list of paths.
    """
    for source in sources:
        if source == STANDARD_INPUT:
            yield from _listed_on_standard_input()
        elif os.path.isdir(source):  # noqa: PTH112 - a glob is no path yet
            yield from _images_below(Path(source), skipped)
        elif os.path.exists(source) or not glob.has_magic(source):  # noqa: PTH110
            yield Path(source)
        elif matches := sorted(glob.glob(source, recursive=True)):  # noqa: PTH207
            yield from find_images(matches, skipped)
        else:
            skipped.append(Skipped(Path(source), "matches no file; check the pattern"))


def _listed_on_standard_input() -> Iterator[Path]:
    for line in sys.stdin:
        if "\0" in line:
            raise DataError("standard input: holds zero bytes; give one path a line (find without -print0)")
        if line.strip():
            yield Path(line.rstrip("\r\n"))


def _images_below(folder: Path, skipped: list[Skipped]) -> Iterator[Path]:
    found = False
    for parent, folders, files in os.walk(folder, onerror=lambda error: skipped.append(_unlisted(error))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and name.lower().endswith(EXTENSIONS):
                found = True
                yield Path(parent) / name
    if not found:
        endings = ", ".join(EXTENSIONS)
        skipped.append(Skipped(folder, f"holds no images; give a folder with files that end in {endings}"))


def _unlisted(error: OSError) -> Skipped:
    return Skipped(Path(str(error.filename)), f"cannot be listed ({error.strerror}); check its permissions")


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
    while block := list(islice(remaining, _BLOCK)):
        for i, probabilities in _probabilities(engine, preprocessing, block, skipped):
            yield Prediction(str(block[i]), best_answers(model, probabilities, top))


def _probabilities(
    engine: Engine, preprocessing: Preprocessing, paths: list[Path], skipped: list[Skipped]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Position among the paths and (classes,) probabilities of every image that can be read."""
    if len(paths) == 1:  # no threads to start, nothing more to import: the answer is there sooner
        try:
            yield 0, softmax(engine.logits(prepare(paths[0], preprocessing)[None]))[0]
        except ImageError as error:
            skipped.append(Skipped(paths[0], str(error).removeprefix(f"{paths[0]}: ")))
        return
    from googlenet.data.batches import evaluation_batches

    for batch in evaluation_batches(paths, preprocessing, batch_size=_BATCH, skipped=skipped):
        yield from zip(batch.indices.tolist(), softmax(engine.logits(batch.images)), strict=True)


def predict_one(model: SealedModel, engine: Engine, source: Path | bytes, *, top: int) -> Prediction:
    """The answer for one image file, or its bytes; raises ``ImageError`` when it cannot be read."""
    probabilities = softmax(engine.logits(prepare(source, model.preprocessing)[None]))
    return Prediction("" if isinstance(source, bytes) else str(source), best_answers(model, probabilities[0], top))


def best_answers(model: SealedModel, probabilities: NDArray[np.float32], top: int) -> tuple[Answer, ...]:
    """The ``top`` likeliest of (classes,) probabilities."""
    order = np.argsort(-probabilities, kind="stable")[:top]
    return tuple(Answer(int(i), model.classes[i].name, float(probabilities[i])) for i in order)
