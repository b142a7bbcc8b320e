"""What an explanation is: evidence laid over the square that the network saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Map:
    """Where the evidence for one score lies.

    ``values`` are float32 (rows, columns), evenly over the square that the network saw; above 0 speaks for the score,
    below 0 against it. ``score`` is what is explained: a logit, or the difference of two. ``constant`` is the part of
    it that belongs to no place (a bias, the score of an empty picture); None where the method does not promise that
    ``values`` and ``constant`` add up to the score.
    """

    values: NDArray[np.float32]
    score: float
    constant: float | None = None

    @property
    def sum(self) -> float:
        """The evidence of all places together."""
        return float(self.values.sum(dtype=np.float64))

    @property
    def error(self) -> float | None:
        """By how much ``sum`` and ``constant`` miss the score (completeness); None where nothing is promised."""
        return None if self.constant is None else abs(self.sum + self.constant - self.score)

    @property
    def top_cell(self) -> tuple[int, int]:
        """Row and column of the greatest value, the first of equal ones."""
        row, column = divmod(int(self.values.argmax()), self.values.shape[1])
        return row, column


def answer_targets(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """The scores that are explained, as weights of the logits (classes,): one row each.

    The first is the answer's logit; the second, where there are two classes, the answer's less the runner-up's.
    """
    order = np.argsort(-logits, kind="stable")
    targets = np.zeros((min(2, len(logits)), len(logits)))
    targets[:, order[0]] = 1
    targets[1:, order[1:2]] = -1
    return targets
