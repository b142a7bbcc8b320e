"""Eight-bit integers: calibrated on training images, accepted by what they answer to validation images.

Local response norm squares and sums what eight bits cannot hold, so that its layers stay in float: quantised with the
rest they take BVLC's network from 78 % to 36 % on the 100 sample photographs. Where too much is lost all the same, the
last modules and the classifier, whose rounding errors no later layer evens out, stay in float as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import evaluation_batches
from googlenet.data.draws import key
from googlenet.data.index import Dataset, Split
from googlenet.engines import Engine
from googlenet.errors import DataError, ModelFileError
from googlenet.layers import LocalResponseNorm
from googlenet.spec import Spec
from googlenet.weights.model_file import SealedModel

CALIBRATION_IMAGES = 300
_BATCH = 32
_TIMED = 30  # runs at batch 1

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Measured:
    """One row of the table: what a precision costs and what it is worth."""

    precision: str
    bytes: int  # of the model on disk
    images_per_second: float  # batches of 32, the model alone
    milliseconds: float  # median, one image at a time
    top1: float  # on the validation images, 0–1
    agreement: float  # how often its answer is fp32's, 0–1


@dataclass(frozen=True)
class Int8Data:
    """The images that int8 is made with and judged on."""

    dataset: Dataset
    model: SealedModel
    float_layers: tuple[str, ...] = ()  # stay in float: those whose names begin so

    def calibration_batches(self, size: int) -> Iterator[NDArray[np.float32]]:
        """Up to 300 training images, the same ones each time, prepared: (size, 3, height, width)."""
        indices = self._indices(Split.TRAIN, "training")
        if len(indices) < size:
            raise DataError(f"{self.dataset.root}: has {len(indices)} training images, a batch has {size}; take less")
        chosen = sorted(indices, key=lambda i: key(0, int(self.dataset.ids[i])))[:CALIBRATION_IMAGES]
        paths = (self.dataset.path(int(i)) for i in sorted(chosen))
        for batch in evaluation_batches(paths, self.model.preprocessing, batch_size=size, skipped=[]):
            if len(batch.images) == size:
                yield batch.images

    def _indices(self, split: Split, words: str) -> NDArray[np.int64]:
        indices = self.dataset.select(split)
        if not len(indices):
            raise DataError(
                f"{self.dataset.root}: has no {words} images; int8 needs some, give the model's own data set"
            )
        return indices

    def compare(
        self, reference: Engine, quantised: Engine, sizes: tuple[int, int], progress: Progress
    ) -> list[Measured]:
        """Both engines on the validation images, fp32 first; raises ``DataError`` where there are none."""
        indices = self._indices(Split.VAL, "validation")
        engines, seconds = (reference, quantised), [0.0, 0.0]
        answers: tuple[list[NDArray[np.int64]], ...] = ([], [])
        labels: list[NDArray[np.int32]] = []
        one: NDArray[np.float32] | None = None
        paths = (self.dataset.path(int(i)) for i in indices)
        for batch in evaluation_batches(paths, self.model.preprocessing, batch_size=_BATCH, skipped=[]):
            one = batch.images[:1] if one is None else one
            labels.append(self.dataset.labels[indices[batch.indices]])
            for i, engine in enumerate(engines):
                start = perf_counter()
                answers[i].append(engine.logits(batch.images).argmax(1))
                seconds[i] += perf_counter() - start
            progress(int(batch.indices[-1]) + 1, len(indices))
        if one is None:
            raise DataError(f"{self.dataset.root}: none of the {len(indices)} validation images can be read")
        right = np.concatenate(labels)
        found = [np.concatenate(part) for part in answers]
        return [
            Measured(
                precision=name,
                bytes=sizes[i],
                images_per_second=len(right) / seconds[i],
                milliseconds=_milliseconds(engines[i], one),
                top1=float((found[i] == right).mean()),
                agreement=float((found[i] == found[0]).mean()),
            )
            for i, name in enumerate(("fp32", "int8"))
        ]


class TooMuchLostError(ModelFileError):
    """Fewer validation images are right in int8 than ``max_drop`` allows."""


def check_drop(rows: Sequence[Measured], max_drop: float) -> None:
    """Raise ``TooMuchLostError`` where int8 loses more than ``max_drop`` points of accuracy against fp32."""
    reference, quantised = rows
    drop = 100 * (reference.top1 - quantised.top1)
    if drop > max_drop:
        raise TooMuchLostError(
            f"int8 has {100 * quantised.top1:.1f} % of the validation images right, fp32 {100 * reference.top1:.1f} %: "
            f"{drop:.1f} points are lost, --max-drop is {max_drop:g}; nothing was written. Take the other of onnx and "
            "openvino, --fp16, or allow more"
        )


def float_choices(spec: Spec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How the names of the layers begin that stay in float: at first, and where that loses too much."""
    squares = tuple(layer.name for layer in spec.layers if isinstance(layer, LocalResponseNorm))
    return squares, (*squares, "inception_5", spec.outputs["main"])


def rows_as_json(rows: Sequence[Measured]) -> list[dict[str, object]]:
    """The table that ``googlenet export --json`` prints."""
    return [asdict(row) for row in rows]


def _milliseconds(engine: Engine, image: NDArray[np.float32]) -> float:
    times = []
    for _ in range(_TIMED):
        start = perf_counter()
        engine.logits(image)
        times.append(1000 * (perf_counter() - start))
    return median(times)
