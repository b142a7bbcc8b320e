"""Model and data set -> figures, with the preprocessing that was really used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from googlenet.data.crops import shorter_sides
from googlenet.data.index import Dataset, Skipped, Split
from googlenet.data.preprocess import Preprocessing
from googlenet.engines import Engine, open_engine
from googlenet.errors import SettingsError
from googlenet.evaluation.leaks import Leaks, find_leaks
from googlenet.evaluation.metrics import Figures, measure
from googlenet.evaluation.override import changed_preprocessing
from googlenet.evaluation.protocol import Protocol, judge
from googlenet.evaluation.score import COVERAGE, Answers, score
from googlenet.trust.conformal import quantile
from googlenet.trust.intervals import Estimate, wilson_interval
from googlenet.trust.reliability import Reliability, reliability
from googlenet.trust.unknown import FALSE_REJECT, LEAST_IMAGES, reject_threshold
from googlenet.weights.model_file import SealedModel

if TYPE_CHECKING:
    from googlenet.evaluation.early_exit import ExitFigures


@dataclass(frozen=True)
class Sets:
    """Sets of labels that were to hold the right one with the probability ``asked``."""

    asked: float
    covered: Estimate  # how often they did
    mean_size: float  # labels


@dataclass(frozen=True, eq=False)
class Unknown:
    """Images of known classes that the model would call unknown; about 5 % are meant to be."""

    threshold: float
    rejected: NDArray[np.bool_]  # (N,), in the order of the answers
    rate: Estimate


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
    protocols: tuple[Protocol, ...] = ()  # several models or crops: what each choice of them comes to
    early_exit: ExitFigures | None = None  # where that was asked for

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Every file that could not be used: in listing, in checking, in judging."""
        return (*self.dataset.skipped, *self.answers.skipped)

    @property
    def reliability(self) -> Reliability:
        """Whether the confidences can be believed."""
        return reliability(self.answers.confidence, self.answers.rank == 0)

    @property
    def raw_reliability(self) -> Reliability | None:
        """The same without the model's temperature; None where several models or crops answered, each with its own."""
        if self.protocols or self.model.calibration is None:
            return None
        return reliability(self.answers.raw_confidence, self.answers.rank == 0)

    @cached_property
    def sets(self) -> Sets | None:
        """What the sets of labels at 95 % come to; None without a calibration that can promise so much."""
        answers, calibration = self.answers, self.model.calibration
        if calibration is None or not answers.set_size.all():
            return None
        limit = quantile(calibration.set_scores, COVERAGE, "coverage")
        inside = (answers.rank == 0) | (-np.log(np.maximum(answers.true_probability, 1e-38)) <= limit)
        covered, images = int(inside.sum()), len(inside)
        interval = wilson_interval(covered, images)
        return Sets(COVERAGE, Estimate(covered / images, interval), float(answers.set_size.mean()))

    @cached_property
    def unknown(self) -> Unknown | None:
        """Which images the model would call unknown by default; None where it cannot tell."""
        answers, calibration = self.answers, self.model.calibration
        if calibration is None or np.isnan(answers.distance).any() or calibration.facts.images < LEAST_IMAGES:
            return None
        threshold = reject_threshold(calibration.unknown_scores, FALSE_REJECT)
        rejected = answers.distance > threshold
        count, images = int(rejected.sum()), len(rejected)
        return Unknown(threshold, rejected, Estimate(count / images, wilson_interval(count, images)))

    @cached_property
    def leaks(self) -> Leaks | None:
        """Judged images that training has seen, and the figures without them; None where that cannot be told."""
        return find_leaks(self.dataset, self.answers, self.model.classes)

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet evaluate --json`` prints (docs/cli.md)."""
        figures = self.figures
        return {
            "images": figures.images,
            "top1": figures.top1,
            "top5": figures.top5,
            "intervals": {"top1": list(figures.top1_interval), "top5": list(figures.top5_interval)},
            "balanced_accuracy": asdict(figures.balanced_accuracy),
            "macro_precision": asdict(figures.macro_precision),
            "macro_f1": asdict(figures.macro_f1),
            "per_class": [asdict(row) for row in figures.per_class],
            "confusion": figures.confusion.tolist(),
            "calibration": {
                "temperature": None if self.protocols else self.model.temperature,
                "error_before": self.raw_reliability.error if self.raw_reliability else None,
                **asdict(self.reliability),
            },
            "sets": self.sets and asdict(self.sets),
            "unknown": self.unknown
            and {"asked": FALSE_REJECT, "threshold": self.unknown.threshold, "rejected": asdict(self.unknown.rate)},
            "leaks": self.leaks and self.leaks.as_json(),
            "split": self.split,
            "preprocessing": self.preprocessing.model_dump(mode="json"),
            "preprocessing_changed": list(self.changed),
            "notes": list(self.dataset.notes),
            "skipped": [{"path": str(part.path), "reason": part.reason} for part in self.skipped],
            "protocols": [row.as_json() for row in self.protocols],
            "early_exit": self.early_exit.as_json() if self.early_exit else None,
        }


def evaluate(
    model: SealedModel,
    dataset: Dataset,
    *,
    split: str = "test",
    resize: str | None = None,
    resize_size: int | None = None,
    engine: Engine | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Judge ``model`` on the split ``train``, ``val``, ``test`` or ``all``, each image exactly once.

    ``resize`` and ``resize_size`` replace the model's own for a comparison; ``engine`` computes (None: the default
    one). Raises ``DataError`` without images, ``SettingsError`` for a preprocessing that cannot be, and what
    ``open_engine`` raises.
    """
    preprocessing, changed = changed_preprocessing(model.preprocessing, resize=resize, resize_size=resize_size)
    indices = dataset.select(None if split == "all" else Split[split.upper()])
    answers = score(
        engine or open_engine(model), preprocessing, dataset, indices, calibration=model.calibration, progress=progress
    )
    return Evaluation(model, dataset, split, preprocessing, changed, answers, measure(answers, model.classes))


def evaluate_together(
    models: Sequence[SealedModel],
    dataset: Dataset,
    *,
    crops: Sequence[int] = (1,),
    split: str = "test",
    resize: str | None = None,
    resize_size: int | None = None,
    engine: str = "onnxruntime",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """As ``evaluate``, with several models or crops (1, 10 or 144), their softmax averaged over both.

    The figures are those of all models on the most crops; ``protocols`` has a row for each model alone and all together
    on each of ``crops``. ``dataset`` has the first model's classes. Raises also ``ModelFileError`` for models of
    different classes, ``SettingsError`` where ``resize`` meets several crops, which have sizes of their own.
    """
    most = max(crops)
    if most > 1 and (resize is not None or resize_size is not None):
        raise SettingsError(
            f"--crops is {most}, which resizes by a rule of its own; leave --resize and --resize-size out"
        )
    ways = [changed_preprocessing(model.preprocessing, resize=resize, resize_size=resize_size) for model in models]
    models = [replace(model, preprocessing=way) for model, (way, _) in zip(models, ways, strict=True)]
    (preprocessing, changed), first = ways[0], models[0]
    if most > 1:
        sizes = ", ".join(map(str, shorter_sides(preprocessing.crop_size)[: 1 if most == 10 else None]))
        changed = (f"{most} crops of the shorter side at {sizes} instead of one",)
    indices = dataset.select(None if split == "all" else Split[split.upper()])
    judged = judge(models, dataset, indices, crops=crops, engine=engine, progress=progress)
    if split != "all" and (stranger := _other_data(models)):
        note = f"{stranger} was trained on other data or another split than {first.path}: images of this split may "
        dataset = replace(dataset, notes=(*dataset.notes, note + "have been among those that it was trained on"))
    figures = measure(judged.answers, first.classes)
    return Evaluation(first, dataset, split, preprocessing, changed, judged.answers, figures, judged.protocols)


def _other_data(models: Sequence[SealedModel]) -> str | None:
    """The first model whose record says that its data or split were not those of the first one."""
    data = [(model.path, model.record.get("data")) for model in models]
    prints = [(path, part.get("fingerprint")) for path, part in data if isinstance(part, dict)]
    return next((str(path) for path, fingerprint in prints if fingerprint != prints[0][1]), None)
