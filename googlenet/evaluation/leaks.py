"""Images to judge by that training has seen: the same bytes, or almost the same picture, in the training split."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.data.classes import ClassName
from googlenet.data.index import Dataset, Split
from googlenet.data.look import Looks
from googlenet.doctor.copies import exact_copies, near_copies
from googlenet.evaluation.metrics import Figures, measure
from googlenet.evaluation.score import Answers


@dataclass(frozen=True)
class Leak:
    """One judged image and the training image that it repeats; both paths as the data set has them."""

    path: str
    training_path: str
    exact: bool  # the same bytes


@dataclass(frozen=True, eq=False)
class Leaks:
    """The leaked ones among the judged images, and the figures of the others (None where all are leaked)."""

    images: tuple[Leak, ...]
    without: Figures | None

    def as_json(self) -> dict[str, Any]:
        """``leaks`` of the document that ``googlenet evaluate --json`` prints (docs/cli.md)."""
        without = self.without
        return {
            "images": [asdict(leak) for leak in self.images],
            "without": without
            and {
                "images": without.images,
                "top1": without.top1,
                "top5": without.top5,
                "intervals": {"top1": list(without.top1_interval), "top5": list(without.top5_interval)},
            },
        }


def find_leaks(dataset: Dataset, answers: Answers, classes: tuple[ClassName, ...]) -> Leaks | None:
    """Which judged images are in the training split too, and what the figures are without them.

    None where that cannot be told: the files were not decoded when the data set was read, there are no training images,
    or the judged ones are themselves for training.
    """
    judged = dataset.splits[answers.indices]
    if dataset.looks is None or not len(dataset.select(Split.TRAIN)) or (judged == Split.TRAIN).any():
        return None
    seen = _in_training(dataset, dataset.looks)
    leaked = np.isin(answers.indices, list(seen))
    rest = _without(answers, leaked)
    return Leaks(
        images=tuple(
            Leak(dataset.paths[i], dataset.paths[seen[i]], exact=bool(dataset.ids[i] == dataset.ids[seen[i]]))
            for i in answers.indices[leaked].tolist()
        ),
        without=measure(rest, classes) if len(rest.labels) else None,
    )


def _in_training(dataset: Dataset, looks: Looks) -> dict[int, int]:
    """Held-out image -> the training image that shows the same; one of the same bytes where there is one."""
    seen: dict[int, int] = {}
    for group in (*near_copies(looks)[0], *exact_copies(dataset.ids)):
        training = [i for i in group if dataset.splits[i] == Split.TRAIN]
        if training:
            seen.update({i: training[0] for i in group if dataset.splits[i] != Split.TRAIN})
    return seen


def _without(answers: Answers, leaked: NDArray[np.bool_]) -> Answers:
    columns = {name: value[~leaked] for name, value in vars(answers).items() if isinstance(value, np.ndarray)}
    return Answers(**columns, skipped=answers.skipped)
