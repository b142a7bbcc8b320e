"""A model ready to answer: what ``googlenet.load`` returns."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from googlenet.engines import Engine, open_engine
from googlenet.evaluation.predict import Answer, Prediction, predict_one
from googlenet.export.opening import open_for_answers
from googlenet.weights.model_file import SealedModel


class Classifier:
    """A sealed model on the default engine, or an export in its own runtime.

    >>> googlenet.load("flowers.safetensors").predict("rose.jpg")[0].label
    'roses'
    """

    def __init__(self, model: SealedModel, engine: Engine | None = None) -> None:
        self.model = model
        self._engine = engine or open_engine(model)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Classifier:
        """Open a sealed model, a foreign checkpoint or an export's folder; ``ModelFileError`` says what is wrong."""
        model, opening = open_for_answers(Path(path))
        return cls(model, opening())

    def predict(self, image: str | PathLike[str] | bytes, top: int = 5) -> tuple[Answer, ...]:
        """The ``top`` likeliest classes of an image file or of its bytes, likeliest first; raises ``ImageError``."""
        source = image if isinstance(image, bytes) else Path(image)
        return predict_one(self.model, self._engine, source, top=top).predictions

    def answer(
        self,
        image: str | PathLike[str] | bytes,
        top: int = 5,
        *,
        coverage: float | None = None,
        false_reject: float | None = None,
    ) -> Prediction:
        """All that is known of one image: its likeliest classes, whether it is ``unknown``, and, with ``coverage``,
        0–1, the ``set`` of labels that holds the right one so often; raises ``SettingsError`` for a model that cannot.
        """
        source = image if isinstance(image, bytes) else Path(image)
        return predict_one(self.model, self._engine, source, top=top, coverage=coverage, false_reject=false_reject)
