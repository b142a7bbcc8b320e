"""From what a network gives for one image to what is said of it: probabilities, a set of labels, or «unknown»."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from googlenet.engines import Engine
from googlenet.engines.features import flat_features
from googlenet.engines.softmax import softmax
from googlenet.errors import SettingsError
from googlenet.evaluation.prediction import Answer, Prediction
from googlenet.spec import FEATURES, OUTPUTS
from googlenet.trust.conformal import coverage_range, label_set, quantile
from googlenet.trust.probabilities import log_softmax
from googlenet.trust.unknown import FALSE_REJECT, LEAST_IMAGES, Detector, Verdict
from googlenet.weights.model_file import SealedModel


class Judge:
    """Applies a model's calibration."""

    def __init__(
        self, model: SealedModel, *, top: int, coverage: float | None = None, false_reject: float | None = None
    ) -> None:
        """Name the ``top`` likeliest classes, and with ``coverage``, 0–1, a set that holds the right one so often.

        ``false_reject``, 0–1: of known photographs this part may be called unknown; 5 % where the model can tell.
        Raises ``SettingsError`` for what the model cannot promise.
        """
        self._model, self._top = model, top
        self._names = tuple(part.name for part in model.classes)
        self._set_limit = None if coverage is None else _set_limit(model, coverage)
        self._detector = _detector(model, false_reject)

    def judge(self, engine: Engine, images: NDArray[np.float32], paths: list[str]) -> list[Prediction]:
        """One prediction per image of (batch, 3, height, width)."""
        verdicts: list[Verdict | None] = [None] * len(paths)
        if self._detector is None:
            logits = engine.logits(images)
        else:
            found = engine.activations(images, (OUTPUTS["main"], FEATURES))
            logits = found[OUTPUTS["main"]]
            verdicts = [*self._detector.verdicts(flat_features(found[FEATURES]), self._names)]
        rows = zip(paths, logits / self._model.temperature, verdicts, strict=True)
        return [self._prediction(path, row, verdict) for path, row, verdict in rows]

    def _prediction(self, path: str, logits: NDArray[np.float32], verdict: Verdict | None) -> Prediction:
        probabilities = softmax(logits)
        order = np.argsort(-probabilities, kind="stable")[: self._top]
        labels = None
        if self._set_limit is not None:
            labels = self._answers(probabilities, label_set(log_softmax(logits), self._set_limit))
        return Prediction(path, self._answers(probabilities, order), labels, verdict)

    def _answers(self, probabilities: NDArray[np.float32], classes: NDArray[np.intp]) -> tuple[Answer, ...]:
        return tuple(Answer(int(i), self._names[i], float(probabilities[i])) for i in classes)


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


def _detector(model: SealedModel, false_reject: float | None) -> Detector | None:
    calibration = model.calibration
    if calibration is None or not calibration.facts.known_classes:
        if false_reject is None:
            return None
        raise SettingsError(
            f"--false-reject is {false_reject:g}, but {model.path or 'the model'} cannot tell the unknown; "
            "calibrate it with: googlenet calibrate MODEL DATA --out NEW.safetensors (an export gives no features)"
        )
    if false_reject is None and calibration.facts.images < LEAST_IMAGES:
        return None
    return Detector(calibration, FALSE_REJECT if false_reject is None else false_reject)
