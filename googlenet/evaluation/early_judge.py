"""What is said of an image by the first head that is sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from googlenet.engines import Engine
from googlenet.engines.staged_engine import HEADS
from googlenet.evaluation.early_exit import EarlyExit
from googlenet.evaluation.judge import Judge
from googlenet.evaluation.prediction import Prediction
from googlenet.weights.model_file import SealedModel


class EarlyJudge(Judge):
    """As ``Judge``, but on the network in pieces: its engine is not asked, the unknown are not told."""

    def __init__(self, model: SealedModel, *, top: int) -> None:
        super().__init__(model, top=top)
        self._early = EarlyExit(model)

    def judge(self, engine: Engine, images: NDArray[np.float32], paths: list[str]) -> list[Prediction]:
        """As ``Judge.judge``; each prediction says which head it is from."""
        logits, heads = self._early.answer(images)
        answers = zip(paths, logits, heads, strict=True)
        return [replace(self._prediction(path, row, None), head=HEADS[head]) for path, row, head in answers]
