"""Several models on several crops, their softmax averaged over both: how the paper tests (section 7).

A protocol is which models answer on how many crops of each image. One pass over the images judges each model alone and
all of them together; ``googlenet.data.crops`` says which crops these are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import PreparedBatch, evaluation_batches
from googlenet.data.crops import check_crops
from googlenet.data.index import Dataset, Skipped
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import DataError
from googlenet.evaluation.members import Member, open_members
from googlenet.evaluation.score import BATCH, Answers, answers_of, joined
from googlenet.trust.intervals import Interval, wilson_interval
from googlenet.weights.model_file import SealedModel


@dataclass(frozen=True)
class Protocol:
    """What some models on some crops come to, and what that costs."""

    models: tuple[str, ...]  # their files
    crops: int
    images: int
    top1: float
    top5: float
    top1_interval: Interval
    top5_interval: Interval
    macs: int  # multiply-accumulates per image
    seconds: float  # per image, files read and networks run; of one model among several without the others' networks

    def as_json(self) -> dict[str, Any]:
        """One row of ``protocols`` in the document of ``googlenet evaluate --json`` (docs/cli.md)."""
        return {
            "models": list(self.models),
            "crops": self.crops,
            "images": self.images,
            "top1": self.top1,
            "top5": self.top5,
            "intervals": {"top1": list(self.top1_interval), "top5": list(self.top5_interval)},
            "macs": self.macs,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, eq=False)
class Judged:
    """The answers of all models together on the most crops, and a row for each protocol tried."""

    answers: Answers
    alone: tuple[Answers, ...]  # of each model, on the same crops
    protocols: tuple[Protocol, ...]


def judge(
    models: Sequence[SealedModel],
    dataset: Dataset,
    indices: NDArray[np.int64],
    *,
    crops: Sequence[int],
    engine: str = "onnxruntime",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Judged:
    """Judge each of ``models`` and, where there are several, all of them together, on 1, 10 or 144 ``crops`` per image.

    Raises ``SettingsError`` for other crops, ``ModelFileError`` for models of different classes, ``DataError`` without
    images.
    """
    for count in crops:
        check_crops(count)
    if not len(indices):
        raise DataError(f"{dataset.root}: has no images in this split; take another --split, or all")
    members, passes = open_members(models, engine), sorted(set(crops))
    rows: list[Protocol] = []
    for number, count in enumerate(passes):

        def report(done: int, before: int = number * len(indices)) -> None:
            progress(before + done, len(passes) * len(indices))

        started = perf_counter()
        alone, together = _answers(members, dataset, indices, count, report)
        seconds = perf_counter() - started
        if len(members) > 1:
            others = sum(member.seconds for member in members)
            rows += [
                _row([member], answers, count, seconds - others + member.seconds)
                for member, answers in zip(members, alone, strict=True)
            ]
        rows.append(_row(members, together, count, seconds))
    return Judged(together, tuple(alone), tuple(rows))


def _answers(
    members: Sequence[Member],
    dataset: Dataset,
    indices: NDArray[np.int64],
    crops: int,
    report: Callable[[int], None],
) -> tuple[list[Answers], Answers]:
    """One pass over the images: the answers of each member, and those of all together."""
    skipped: list[Skipped] = []
    parts: list[list[Answers]] = []
    for member in members:
        member.seconds = 0.0
    for batches in _batches(members, [dataset.path(int(i)) for i in indices], crops, skipped):
        first = batches[members[0].model.preprocessing]
        chosen = indices[first.indices]
        found = [member.probabilities(batches[member.model.preprocessing].images, crops) for member in members]
        found.append(np.mean(found, axis=0))
        parts.append([answers_of(_logits(values), chosen, dataset.labels[chosen]) for values in found])
        report(int(first.indices[-1]) + 1)
    if not parts:
        raise DataError(f"{dataset.root}: none of the {len(indices)} images can be read; the first: {skipped[0].path}")
    *alone, together = (joined(column, skipped) for column in zip(*parts, strict=True))
    return alone, together


def _logits(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """What these are the softmax of."""
    values: NDArray[np.float32] = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    return values


def _batches(
    members: Sequence[Member], paths: Sequence[Path], crops: int, skipped: list[Skipped]
) -> Iterator[dict[Preprocessing, PreparedBatch]]:
    """The same images prepared in each of the ways that the members want."""
    ways = list(dict.fromkeys(member.model.preprocessing for member in members))
    size = max(1, BATCH // crops)
    lists = [skipped, *([] for _ in ways[1:])]
    streams = [
        evaluation_batches(paths, way, batch_size=size, crops=crops, skipped=bad)
        for way, bad in zip(ways, lists, strict=True)
    ]
    for batches in zip(*streams, strict=True):
        for batch in batches[1:]:
            if not np.array_equal(batch.indices, batches[0].indices):
                raise DataError("an image could be read for one model and not for another; do not change the data now")
        yield dict(zip(ways, batches, strict=True))


def _row(members: Sequence[Member], answers: Answers, crops: int, seconds: float) -> Protocol:
    images = len(answers.labels)
    top1, top5 = int((answers.rank == 0).sum()), int((answers.rank < 5).sum())
    macs = [sum(m.model.spec.without_heads().macs(m.model.preprocessing.crop_size).values()) for m in members]
    return Protocol(
        models=tuple(str(member.model.path) for member in members),
        crops=crops,
        images=images,
        top1=top1 / images,
        top5=top5 / images,
        top1_interval=wilson_interval(top1, images),
        top5_interval=wilson_interval(top5, images),
        macs=crops * sum(macs),
        seconds=seconds / images,
    )
