"""Sets of labels that hold the right one as often as is asked: split conformal prediction.

The score of a class is -log of its probability; its set holds every class whose score is at most a quantile of the
scores that the right classes of the validation images got. Then, for images drawn like those, the right class is in the
set with at least the probability asked for, whatever the network (Vovk, Gammerman, Shafer 2005; this score, as 1 - p:
Sadinle, Lei, Wasserman 2019, whose sets are the smallest on average).
"""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import SettingsError
from googlenet.trust.binomial import beta_quantile
from googlenet.trust.probabilities import Floats, log_softmax


def set_scores(logits: Floats, labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """The scores, ascending, of the right classes: (N,) of (N, classes) calibrated logits."""
    return np.sort(-log_softmax(logits)[np.arange(len(labels)), labels]).astype(np.float32)


def quantile(scores: NDArray[np.float32], level: float, setting: str) -> float:
    """The smallest score that at least ``level`` of images drawn like the N validation images do not exceed.

    ``scores`` ascend. The ceil((N + 1) level)-th of them: the new image counts as one more. Raises ``SettingsError``,
    naming ``setting``, where level is not within 0 and 1 or N images cannot tell.
    """
    if not 0 < level < 1:
        raise SettingsError(f"{setting} is {level:g}; give a number between 0 and 1, such as 0.95")
    rank = _rank(len(scores), level)
    if rank > len(scores):
        raise SettingsError(
            f"{setting} is {level:g}, but the model was calibrated on {len(scores)} images, which can promise at most "
            f"{len(scores) / (len(scores) + 1):.4g}; ask for less, or calibrate on {ceil(level / (1 - level))} images"
        )
    return float(scores[rank - 1])


def can_promise(images: int, level: float) -> bool:
    """Whether a calibration on so many images can promise ``level``, 0–1."""
    return _rank(images, level) <= images


def _rank(images: int, level: float) -> int:
    return ceil(round((images + 1) * level, 9))  # 0.95 is a little more than 0.95 in binary


def label_set(log_probabilities: Floats, limit: float) -> NDArray[np.intp]:
    """The classes of (classes,) calibrated log-probabilities that are in the set, likeliest first.

    The likeliest is in it always: an empty set would keep the promise too, and help nobody. So where the model is right
    more often than the coverage that is asked, the coverage is that much higher.
    """
    order = np.argsort(-log_probabilities, kind="stable")
    inside = int((-log_probabilities <= limit).sum())
    return order[: max(1, inside)]


def coverage_range(images: int, level: float) -> tuple[float, float]:
    """What the coverage really is in 95 of 100 cases, after a calibration on so many images.

    The guarantee is an average over calibrations; that of one follows the Beta distribution of an order statistic
    (Vovk 2012).
    """
    rank = _rank(images, level)
    return beta_quantile(0.025, rank, images + 1 - rank), beta_quantile(0.975, rank, images + 1 - rank)
