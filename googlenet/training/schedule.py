"""What changes from step to step: the learning rate, and how much the weight average takes of each step."""

from __future__ import annotations

from math import cos, pi

from googlenet.settings import TrainSettings


def learning_rate(settings: TrainSettings, progress: float) -> float:
    """The rate when the fraction ``progress`` (0–1) of the training is done: a linear warm-up, then half a cosine."""
    if progress < settings.warmup:
        return settings.learning_rate * max(progress / settings.warmup, 0.01)
    done = (progress - settings.warmup) / (1 - settings.warmup)
    return settings.learning_rate * 0.5 * (1 + cos(pi * min(done, 1.0)))


def share_of_step(settings: TrainSettings, steps: int) -> float:
    """What the moving average takes (0–1) of the weights after a step, when ``steps`` were taken before it.

    The average is young at first, so that it does not lag: all of the first step's weights, 9/11 of the second's.
    """
    return 1 - min(settings.average_decay, (1 + steps) / (10 + steps)) if steps else 1.0
