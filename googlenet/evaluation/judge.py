"""From what a network gives for one image to what is said of it: probabilities, a set of labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from googlenet.engines import Engine
from googlenet.errors import SettingsError
from googlenet.evaluation.prediction import Answer, Prediction
from googlenet.evaluation.softmax import softmax
from googlenet.trust.conformal import coverage_range, label_set, quantile
from googlenet.trust.probabilities import log_softmax
from googlenet.weights.model_file import SealedModel


class Judge:
    """Applies a model's calibration."""

    def __init__(self, model: SealedModel, *, top: int, coverage: float | None = None) -> None:
        """Name the ``top`` likeliest classes, and with ``coverage``, 0–1, a set that holds the right one so often.

        Raises ``SettingsError`` for a coverage that the model cannot promise.
        """
        self._model, self._top = model, top
        self._set_limit = None if coverage is None else _set_limit(model, coverage)

    def judge(self, engine: Engine, images: NDArray[np.float32], paths: list[str]) -> list[Prediction]:
        """One prediction per image of (batch, 3, height, width)."""
        logits = engine.logits(images) / self._model.temperature
        return [self._prediction(path, row) for path, row in zip(paths, logits, strict=True)]

    def _prediction(self, path: str, logits: NDArray[np.float32]) -> Prediction:
        probabilities = softmax(logits)
        order = np.argsort(-probabilities, kind="stable")[: self._top]
        labels = None
        if self._set_limit is not None:
            labels = self._answers(probabilities, label_set(log_softmax(logits), self._set_limit))
        return Prediction(path, self._answers(probabilities, order), labels)

    def _answers(self, probabilities: NDArray[np.float32], classes: NDArray[np.intp]) -> tuple[Answer, ...]:
        return tuple(Answer(int(i), self._model.classes[i].name, float(probabilities[i])) for i in classes)


def coverage_meaning(model: SealedModel, coverage: float) -> str:
    """What a promised coverage is worth with as many images as the model was calibrated on, in one sentence."""
    images = 0 if model.calibration is None else model.calibration.facts.images
    low, high = coverage_range(images, coverage)
    return (
        f"calibrated on {images} images: for photographs like those, sets hold the right class {coverage:.1%} of the "
        f"time on average over calibrations; for this one, between {low:.1%} and {high:.1%} (95 of 100 cases)"
    )


def _set_limit(model: SealedModel, coverage: float) -> float:
    if model.calibration is None:
        raise SettingsError(
            f"--coverage is {coverage:g}, but {model.path or 'the model'} has no calibration; "
            "make one with: googlenet calibrate MODEL DATA --out NEW.safetensors"
        )
    return quantile(model.calibration.set_scores, coverage, "--coverage")
