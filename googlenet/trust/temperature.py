"""One number that logits are divided by, so that of the answers given with 80 % about 80 % are right.

Guo, Pleiss, Sun, Weinberger: *On Calibration of Modern Neural Networks*, ICML 2017. The order of the classes stays as
it is, and with it the accuracy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from googlenet.trust.probabilities import log_softmax

LOWEST, HIGHEST = 0.05, 20.0
_STEPS = 100


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """The temperature that makes ``labels`` likeliest, within ``LOWEST`` and ``HIGHEST``.

    Args:
        logits: (N, classes) of images that the network was not trained on, N >= 1.
        labels: (N,), the right classes.

    Without a mistake among the N images the likeliest temperature is 0, which would be sure of everything. So each
    label is held true with the probability (N + 1) / (N + 2), the rest shared out over all classes: Laplace's rule of
    succession, as Platt (1999) did it for two classes. It makes no difference where there are many images.
    """
    z = logits.astype(np.float64)
    doubt = 1 / (len(z) + 2)
    wanted = (1 - doubt) * z[np.arange(len(z)), labels] + doubt * z.mean(1)  # (N,), the logit that a label stands for
    # The loss is convex in the inverse temperature; its slope there, E[z] - wanted, only grows. Bisection cannot fail.
    low, high = 1 / HIGHEST, 1 / LOWEST
    if np.ptp(z, axis=1).max() == 0:
        return 1.0  # all classes are equally likely, at every temperature
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _slope(z, wanted, middle) > 0 else (middle, high)
    return 2 / (low + high)


def _slope(z: NDArray[np.float64], wanted: NDArray[np.float64], inverse: float) -> float:
    probabilities = np.exp(log_softmax(z * inverse))
    return float(((probabilities * z).sum(1) - wanted).mean())
