"""Answers from the first head that is sure, and what that wins and loses beside the whole network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import evaluation_batches
from googlenet.data.index import Dataset, Split
from googlenet.engines import open_engine
from googlenet.engines.softmax import softmax
from googlenet.engines.staged_engine import HEADS, StagedEngine
from googlenet.errors import DataError, SettingsError
from googlenet.evaluation.exits import cumulative_macs
from googlenet.evaluation.score import BATCH
from googlenet.weights.model_file import SealedModel

_T = TypeVar("_T")
_WORTH_IT = 0.95  # of the time; less is won than measurements waver


class EarlyExit:
    """A model with calibrated auxiliary heads, run piece by piece; each image leaves where it may."""

    def __init__(self, model: SealedModel) -> None:
        """Open ``model``; raises ``SettingsError`` where it has no heads, or no thresholds for them."""
        self._engine = StagedEngine(model)
        if model.calibration is None or model.calibration.facts.exits is None:
            raise SettingsError(
                f"--early-exit: {model.path or 'the model'} has no thresholds for its heads; "
                "find them with: googlenet calibrate MODEL DATA --out NEW.safetensors"
            )
        exits = model.calibration.facts.exits
        self._classes = len(model.classes)
        self._rules = [
            (exits.aux1.temperature, exits.aux1.threshold),
            (exits.aux2.temperature, exits.aux2.threshold),
            (model.temperature, 0.0),  # everybody leaves at the end
        ]

    def answer(self, images: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Calibrated logits, (batch, classes), of (batch, 3, height, width), and the head (0, 1, 2) that gave each."""
        logits = np.empty((len(images), self._classes), np.float32)
        heads = np.zeros(len(images), np.int64)
        going, maps = np.arange(len(images)), images
        for piece, (temperature, threshold) in enumerate(self._rules):
            found, following = self._engine.run(piece, maps)
            found = found / np.float32(temperature)
            leaves = np.full(len(found), False) if threshold is None else softmax(found).max(1) >= threshold
            logits[going[leaves]], heads[going[leaves]] = found[leaves], piece
            going = going[~leaves]
            if following is None or not len(going):
                break
            maps = following[~leaves]
        return logits, heads


@dataclass(frozen=True)
class ExitFigures:
    """Early exit beside the whole network, both run on the same images in turns."""

    images: int
    shares: tuple[float, ...]  # of the images that leave at aux1, aux2 and the main head
    right: tuple[float | None, ...]  # the part of these that is named rightly
    top1: float
    whole_top1: float
    macs: float  # per image
    whole_macs: int
    seconds: float  # per image, in the network alone, batches of 32
    whole_seconds: float
    tolerance: float  # of the accuracy on the validation images that was allowed to be lost

    @property
    def pays(self) -> bool:
        """Whether images leave early, time is won, and no more accuracy lost than was allowed."""
        some_leave = self.shares[-1] < 1  # where none does, a time won is chance
        return some_leave and self.seconds < _WORTH_IT * self.whole_seconds and self._lost <= self.tolerance

    @property
    def _lost(self) -> float:
        return self.whole_top1 - self.top1

    @property
    def verdict(self) -> str:
        """One sentence."""
        time = f"{self.seconds / self.whole_seconds:.0%} of the time"
        if self.shares[-1] == 1:
            return f"early exit does not pay: no image leaves early, and the heads cost time ({time})"
        if self.seconds >= _WORTH_IT * self.whole_seconds:
            return f"early exit does not pay: {1 - self.shares[-1]:.0%} of the images leave early, but it takes {time}"
        if self._lost > self.tolerance:
            return (
                f"early exit does not pay: {time}, but {100 * self._lost:.1f} points of accuracy lost where "
                f"{100 * self.tolerance:.1f} were allowed"
            )
        kind = "lost" if self._lost >= 0 else "won"
        return f"early exit pays: {time}, {100 * abs(self._lost):.1f} points of accuracy {kind}"

    def as_json(self) -> dict[str, Any]:
        """``early_exit`` in the document of ``googlenet evaluate --json`` (docs/cli.md)."""
        return {
            "images": self.images,
            "shares": dict(zip(HEADS, self.shares, strict=True)),
            "right": dict(zip(HEADS, self.right, strict=True)),
            "top1": self.top1,
            "whole_top1": self.whole_top1,
            "macs": self.macs,
            "whole_macs": self.whole_macs,
            "seconds": self.seconds,
            "whole_seconds": self.whole_seconds,
            "tolerance": self.tolerance,
            "pays": self.pays,
            "verdict": self.verdict,
        }


def measure_early_exit(
    model: SealedModel,
    dataset: Dataset,
    *,
    split: str = "test",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ExitFigures:
    """Run both on every image of the split; raises what ``EarlyExit`` raises, and ``DataError`` without images."""
    indices = dataset.select(None if split == "all" else Split[split.upper()])
    early, whole = EarlyExit(model), open_engine(model)
    rows: list[tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]] = []
    seconds = [0.0, 0.0]
    paths = [dataset.path(int(i)) for i in indices]
    for number, batch in enumerate(evaluation_batches(paths, model.preprocessing, batch_size=BATCH, skipped=[])):
        if number == 0:  # the first time, memory is laid out
            early.answer(batch.images), whole.logits(batch.images)
        # Each goes first as often as the other.
        if number % 2:
            expected, whole_time = _timed(whole.logits, batch.images)
            (logits, heads), early_time = _timed(early.answer, batch.images)
        else:
            (logits, heads), early_time = _timed(early.answer, batch.images)
            expected, whole_time = _timed(whole.logits, batch.images)
        seconds = [seconds[0] + early_time, seconds[1] + whole_time]
        labels = dataset.labels[indices[batch.indices]]
        rows.append((logits.argmax(1) == labels, expected.argmax(1) == labels, heads))
        progress(int(batch.indices[-1]) + 1, len(indices))
    if not rows:
        raise DataError(f"{dataset.root}: has no images in this split that can be read; take another --split, or all")
    early_right, whole_right, left = (np.concatenate(column) for column in zip(*rows, strict=True))
    return _figures(model, early_right, whole_right, left, seconds)


def _timed(run: Callable[[NDArray[np.float32]], _T], images: NDArray[np.float32]) -> tuple[_T, float]:
    started = perf_counter()
    found = run(images)
    return found, perf_counter() - started


def _figures(
    model: SealedModel,
    early: NDArray[np.bool_],
    whole: NDArray[np.bool_],
    heads: NDArray[np.int64],
    seconds: Sequence[float],
) -> ExitFigures:
    size = model.preprocessing.crop_size
    counts = np.bincount(heads, minlength=len(HEADS))
    assert model.calibration is not None  # EarlyExit has seen to that
    assert model.calibration.facts.exits is not None
    return ExitFigures(
        images=len(heads),
        shares=tuple((counts / len(heads)).tolist()),
        right=tuple(float(early[heads == i].mean()) if counts[i] else None for i in range(len(HEADS))),
        top1=float(early.mean()),
        whole_top1=float(whole.mean()),
        macs=float(counts @ cumulative_macs(model.spec, size) / len(heads)),
        whole_macs=sum(model.spec.without_heads().macs(size).values()),
        seconds=seconds[0] / len(heads),
        whole_seconds=seconds[1] / len(heads),
        tolerance=model.calibration.facts.exits.tolerance,
    )
