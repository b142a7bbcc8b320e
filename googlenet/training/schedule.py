"""What changes from step to step: learning rate, size of the pictures, what the weight average takes of each step."""

from __future__ import annotations

from math import cos, pi

from googlenet.settings import TrainSettings

_SIZE_STEP = 32  # pixels
_GROWN = 0.5  # of the training: from then on the pictures are of the last size


def learning_rate(settings: TrainSettings, progress: float) -> float:
    """The rate when the fraction ``progress`` (0–1) of the training is done: a linear warm-up, then the schedule.

    ``steps`` is the paper's (section 6): 4 % less every 8 epochs.
    """
    if progress < settings.warmup:
        return settings.learning_rate * max(progress / settings.warmup, 0.01)
    if settings.schedule == "constant":
        return settings.learning_rate
    if settings.schedule == "steps":
        return settings.learning_rate * float(0.96 ** (progress * settings.epochs // 8))
    done = (progress - settings.warmup) / (1 - settings.warmup)
    return settings.learning_rate * 0.5 * (1 + cos(pi * min(done, 1.0)))


def image_size(settings: TrainSettings, progress: float) -> int:
    """Pixels of the training pictures at ``progress``: from ``first_size`` in steps of 32, the last from the middle on.

    Small pictures are seen fast, and teach enough at first (Tan and Le, *EfficientNetV2*, arXiv 2104.00298, section 4).
    """
    first, last = settings.first_size or settings.image_size, settings.image_size
    sizes: list[int] = [*range(first, last, _SIZE_STEP), last]
    return sizes[min(int(progress / _GROWN * (len(sizes) - 1)), len(sizes) - 1)]


def share_of_step(settings: TrainSettings, steps: int) -> float:
    """What the moving average takes (0–1) of the weights after a step, when ``steps`` were taken before it.

    The average is young at first, so that it does not lag: all of the first step's weights, 9/11 of the second's.
    """
    return 1 - min(settings.average_decay, (1 + steps) / (10 + steps)) if steps else 1.0
