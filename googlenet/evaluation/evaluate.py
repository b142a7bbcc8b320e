"""Model and data set -> figures, with the preprocessing that was really used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from googlenet.data.index import Dataset, Split
from googlenet.data.preprocess import Preprocessing
from googlenet.engines import open_engine
from googlenet.errors import SettingsError
from googlenet.evaluation.metrics import Figures, measure
from googlenet.evaluation.score import Answers, score
from googlenet.weights.model_file import SealedModel


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All that is known after a model was judged on a split of a data set."""

    model: SealedModel
    dataset: Dataset
    split: str
    preprocessing: Preprocessing
    changed: tuple[str, ...]  # what differs from the model's own preprocessing, in words
    answers: Answers
    figures: Figures

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet evaluate --json`` prints (docs/cli.md)."""
        figures = self.figures
        skipped = (*self.dataset.skipped, *self.answers.skipped)
        return {
            "images": figures.images,
            "top1": figures.top1,
            "top5": figures.top5,
            "intervals": {"top1": list(figures.top1_interval), "top5": list(figures.top5_interval)},
            "per_class": [asdict(row) for row in figures.per_class],
            "confusion": figures.confusion.tolist(),
            "split": self.split,
            "preprocessing": self.preprocessing.model_dump(mode="json"),
            "preprocessing_changed": list(self.changed),
            "skipped": [{"path": str(part.path), "reason": part.reason} for part in skipped],
        }


def evaluate(
    model: SealedModel,
    dataset: Dataset,
    *,
    split: str = "test",
    resize: str | None = None,
    resize_size: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Judge ``model`` on the split ``train``, ``val``, ``test`` or ``all``, each image exactly once.

    ``resize`` and ``resize_size`` replace the model's own for a comparison. Raises ``DataError`` without images,
    ``SettingsError`` for a preprocessing that cannot be.
    """
    preprocessing, changed = changed_preprocessing(model.preprocessing, resize=resize, resize_size=resize_size)
    indices = dataset.select(None if split == "all" else Split[split.upper()])
    answers = score(open_engine(model), preprocessing, dataset, indices, progress=progress)
    return Evaluation(model, dataset, split, preprocessing, changed, answers, measure(answers, model.classes))


def changed_preprocessing(
    preprocessing: Preprocessing, *, resize: str | None, resize_size: int | None
) -> tuple[Preprocessing, tuple[str, ...]]:
    """The preprocessing with other settings, and what differs in words: «resize shorter-side instead of warp»."""
    wishes = {"resize": resize, "resize_size": resize_size}
    own = preprocessing.model_dump()
    changes = {name: value for name, value in wishes.items() if value is not None and value != own[name]}
    try:
        changed = Preprocessing.model_validate(own | changes)
    except ValidationError as error:
        first = error.errors()[0]
        flag = "--" + str(first["loc"][0] if first["loc"] else "resize-size").replace("_", "-")
        raise SettingsError(f"{flag} cannot be {changes}: {first['msg']}") from error
    return changed, tuple(f"{name} {value} instead of {own[name]}" for name, value in changes.items())


def model_path(model: SealedModel) -> Path:
    """Where the model lies, for messages and reports."""
    return model.path or Path("the model")
