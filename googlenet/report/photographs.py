"""Photographs in the report: small, as data URIs, with what the model saw."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from googlenet.engines import open_engine
from googlenet.errors import ImageError
from googlenet.evaluation.evaluate import Evaluation
from googlenet.explanation.explain import Explainer
from googlenet.explanation.overlay import draw_map
from googlenet.explanation.view import look

_SIDE = 208  # pixels
_QUALITY = 80


@dataclass(frozen=True)
class Photograph:
    """One judged image."""

    path: str
    image: str  # data URI; empty where the file has gone since
    seen: str  # data URI of the map of what spoke for the answer; empty where the model has no weights here
    label: str
    answer: str
    right: bool
    confidence: float
    true_probability: float


class Album:
    """Makes photographs of answers."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        model = evaluation.model
        alone = bool(model.tensors) and not evaluation.protocols  # an export has no weights of its own
        self._explainer = Explainer(model, open_engine(model)) if alone else None

    def photographs(self, chosen: Sequence[int] | NDArray[np.intp]) -> list[Photograph]:
        """Those of the answers at the positions ``chosen``."""
        return [self._photograph(int(i)) for i in chosen]

    def _photograph(self, i: int) -> Photograph:
        evaluation, answers = self._evaluation, self._evaluation.answers
        names = [name.name for name in evaluation.model.classes]
        index = int(answers.indices[i])
        image, seen = self._pictures(index)
        return Photograph(
            path=evaluation.dataset.paths[index],
            image=image,
            seen=seen,
            label=names[answers.labels[i]],
            answer=names[answers.predicted[i]],
            right=bool(answers.rank[i] == 0),
            confidence=float(answers.confidence[i]),
            true_probability=float(answers.true_probability[i]),
        )

    def _pictures(self, index: int) -> tuple[str, str]:
        try:
            view = look(self._evaluation.dataset.path(index), self._evaluation.preprocessing)
        except ImageError:
            return "", ""
        if self._explainer is None:
            return data_uri(view.photograph), ""
        return data_uri(view.photograph), data_uri(draw_map(view, self._explainer.explain(view).for_answer))


def data_uri(image: Image.Image) -> str:
    """The picture, made small, as a JPEG in a data URI."""
    small = image.convert("RGB")
    small.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
