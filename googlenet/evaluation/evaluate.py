"""Model and data set -> figures, with the preprocessing that was really used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from googlenet.data.index import Dataset, Skipped, Split
from googlenet.data.preprocess import Preprocessing
from googlenet.engines import open_engine
from googlenet.evaluation.metrics import Figures, measure
from googlenet.evaluation.override import changed_preprocessing
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

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Every file that could not be used: in listing, in checking, in judging."""
        return (*self.dataset.skipped, *self.answers.skipped)

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet evaluate --json`` prints (docs/cli.md)."""
        figures = self.figures
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
            "notes": list(self.dataset.notes),
            "skipped": [{"path": str(part.path), "reason": part.reason} for part in self.skipped],
        }


def evaluate(
    model: SealedModel,
    dataset: Dataset,
    *,
    split: str = "test",
    resize: str | None = None,
    resize_size: int | None = None,
    engine: str = "onnxruntime",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Judge ``model`` on the split ``train``, ``val``, ``test`` or ``all``, each image exactly once.

    ``resize`` and ``resize_size`` replace the model's own for a comparison; ``engine`` computes. Raises ``DataError``
    without images, ``SettingsError`` for a preprocessing that cannot be, and what ``open_engine`` raises.
    """
    preprocessing, changed = changed_preprocessing(model.preprocessing, resize=resize, resize_size=resize_size)
    indices = dataset.select(None if split == "all" else Split[split.upper()])
    answers = score(open_engine(model, engine), preprocessing, dataset, indices, progress=progress)
    return Evaluation(model, dataset, split, preprocessing, changed, answers, measure(answers, model.classes))
