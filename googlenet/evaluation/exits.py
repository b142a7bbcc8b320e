"""When an image may leave at an auxiliary head: thresholds found on validation images.

An image leaves at the first head whose calibrated probability for its likeliest class reaches that head's threshold.
Of all pairs of thresholds the one with the least work is taken that gets at most a stated part of the validation images
wrong in net terms: those lost by leaving early less those won by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from googlenet.engines.softmax import softmax
from googlenet.evaluation.outputs import Outputs
from googlenet.spec import OUTPUTS, Spec
from googlenet.trust.temperature import fit_temperature
from googlenet.weights.calibration import Exit, Exits

TOLERANCE = 0.005
"""How much of the accuracy on the validation images may be lost."""

_MOST_CANDIDATES = 200


def find_exits(outputs: Outputs, work: Sequence[float]) -> Exits:
    """Temperature and threshold of each auxiliary head, both of which ``outputs`` has; ``work`` as below."""
    temperatures = [fit_temperature(logits, outputs.labels) for logits in outputs.aux]
    pairs = zip(outputs.aux, temperatures, strict=True)
    confidence = np.column_stack([softmax(logits / np.float32(temperature)).max(1) for logits, temperature in pairs])
    right = np.column_stack([logits.argmax(1) == outputs.labels for logits in (*outputs.aux, outputs.logits)])
    thresholds = choose_thresholds(confidence, right, work)
    aux1, aux2 = (Exit(temperature=t, threshold=least) for t, least in zip(temperatures, thresholds, strict=True))
    return Exits(aux1=aux1, aux2=aux2, tolerance=TOLERANCE)


def choose_thresholds(
    confidence: NDArray[np.float32], right: NDArray[np.bool_], work: Sequence[float], tolerance: float = TOLERANCE
) -> tuple[float | None, float | None]:
    """The thresholds of aux1 and aux2; None where no image should leave.

    Args:
        confidence: (N, 2), of aux1 and aux2, 0–1.
        right: (N, 3), whether aux1, aux2 and the main head are right.
        work: What it costs, in any unit, until each of the three has answered; the last one also when nobody leaves.
        tolerance: How much of the accuracy may be lost, 0–1.
    """
    least_right = right[:, 2].sum() - np.floor(tolerance * len(right) + 1e-9)
    firsts, seconds = (_candidates(column) for column in confidence.T)
    least_work, best = inf, (inf, inf)
    for first in firsts:
        leaves = confidence[:, 0] >= first
        # Of those that go on, by falling confidence of aux2: how many are right when the first k of them leave there.
        rest = np.flatnonzero(~leaves)
        rest = rest[np.argsort(-confidence[rest, 1], kind="stable")]
        gains = np.cumsum([0, *(right[rest, 1].astype(np.int64) - right[rest, 2])])
        leave_second = np.searchsorted(-confidence[rest, 1], -seconds, side="right")  # how many, for each threshold
        rights = right[leaves, 0].sum() + right[rest, 2].sum() + gains[leave_second]
        costs = work[0] * leaves.sum() + work[1] * leave_second + work[2] * (len(rest) - leave_second)
        costs = np.where(rights >= least_right, costs, inf)
        if costs.min() < least_work:
            least_work, best = float(costs.min()), (first, float(seconds[costs.argmin()]))
    return _or_none(best[0]), _or_none(best[1])


def cumulative_macs(spec: Spec, size: int) -> tuple[int, int, int]:
    """Multiply-accumulates until each head has answered, the heads before it included, for an image of ``size``."""
    macs = spec.macs(size)
    done, total = [], 0
    for layer in spec.layers:
        total += macs[layer.name]
        if layer.name in (OUTPUTS["aux1"], OUTPUTS["aux2"], OUTPUTS["main"]):
            done.append(total)
    first, second, last = done
    return first, second, last


def _or_none(threshold: float) -> float | None:
    return None if threshold == inf else float(threshold)


def _candidates(confidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Thresholds worth trying: the confidences that occur, thinned out where there are many, and never."""
    values = np.unique(confidence)
    if len(values) > _MOST_CANDIDATES:
        values = np.quantile(values, np.linspace(0, 1, _MOST_CANDIDATES), method="nearest")
    return np.concatenate([[np.float32(inf)], values[::-1]])
