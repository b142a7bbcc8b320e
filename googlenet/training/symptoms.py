"""What goes wrong in a training, judged from figures alone: each symptom is one sentence that ends with the remedy.

The thresholds are fractions of what guessing gives, so that they hold for any number of classes. What healthy and
unhealthy runs come to is printed by ``benchmarks/training_doctor.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.settings import TrainSettings
from googlenet.spec import OUTPUTS, Spec
from googlenet.training.vitals import Vitals, block

_DIVERGED = 1.5  # times the loss of guessing
_COMES_DOWN = 0.8  # of what a loss was: less than that, and it is on its way down
_ABOVE = 1.3  # times the loss of guessing, in an epoch: shuffled labels come to 1.2
_LEFT = 0.95  # of the loss of guessing: a head below that has begun to learn
_FAIR, _FAIR_PLAIN = 0.5, 0.6  # of the training: a head that has learned nothing by then will not; without batch norm
_FEW = 100  # steps, in which healthy networks too may not have begun to learn
_ENOUGH = 2000  # steps, after which a network with batch norm is judged in any case
_LATE = 0.75  # of the training: before, the weights' average, which validation sees, may lag behind them
_DEAD = 0.95  # fraction of a layer's channels
_BARELY = 1e-5  # of the weights' norm: what a step changes when the rate is far too small
_FALLS = 0.1  # of the validation accuracy, below its best
_GAP = 0.2  # between training and validation accuracy, besides what chance can make


@dataclass(frozen=True)
class Symptom:
    """What was seen, with the remedy; ``changes`` are the settings that ``--doctor fix`` starts again with."""

    name: str
    sentence: str
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Course:
    """A training at the end of an epoch, as far as it can be judged."""

    settings: TrainSettings
    spec: Spec
    history: Sequence[Mapping[str, float]]
    steps: int
    progress: float  # 0–1
    chance_loss: float  # of a network that knows the classes' shares and nothing of the images
    chance_top1: float  # on the validation images, by always naming the commonest class
    vitals: Vitals
    answers: NDArray[np.int64]  # how often each class was answered on validation
    truth: NDArray[np.int64]  # how often it would have been right
    counts: NDArray[np.int64]  # of each class's training images
    classes: tuple[str, ...]


def slower(settings: TrainSettings) -> tuple[str, dict[str, Any]]:
    """A tenth of the rate, as a flag and as a change."""
    rate = float(f"{settings.learning_rate / 10:.2g}")
    return f"--learning-rate {rate:g}", {"learning_rate": rate}


def is_far_above(loss: float, chance: float) -> bool:
    """Whether a loss is far above that of guessing: for the mean of many steps, a sign of divergence."""
    return loss > _DIVERGED * chance + 0.3


def is_diverged(losses: Sequence[float], begin: float, chance: float) -> bool:
    """Whether the losses of many steps, in order, are far above ``chance``, that of guessing, and do not come down.

    A network without batch norm may start at twenty times the loss of guessing and lose that in its first epoch. So a
    loss that is well below ``begin``, that of the very first step, must have stopped falling.
    """
    half = len(losses) // 2
    earlier, later = sum(losses[:half]) / half, sum(losses[half:]) / (len(losses) - half)
    falls = later < _COMES_DOWN * begin and later < _COMES_DOWN * earlier
    return is_far_above(min(later, losses[-1]), chance) and not falls


def diverged(settings: TrainSettings, loss: float, chance: float) -> Symptom:
    """The symptom of a loss for which ``is_diverged`` is true."""
    flag, changes = slower(settings)
    return Symptom(
        "diverged",
        f"the loss is {loss:.3g}, guessing would give {chance:.2f}: the training has diverged; take {flag}",
        changes,
    )


def judge(course: Course) -> Iterator[Symptom]:
    """The symptoms at the end of an epoch; of those with one cause, the cause alone."""
    learned, loss = _has_learned(course), course.history[-1]["loss_main"]
    if is_far_above(loss, course.chance_loss):
        return  # whatever else is seen comes of that; the steps show whether it has diverged
    if not learned and (blocked := _blocked(course)):
        yield blocked
    elif _is_fair(course, learned):
        yield from _later(course) if learned else [_stuck(course)]


def _later(course: Course) -> Iterator[Symptom]:
    """What can be wrong though the main head learns."""
    yield from _dead(course)
    yield from _validation(course)


def _is_fair(course: Course, learned: bool) -> bool:
    if len(course.history) < 3 or (course.steps < _FEW and not learned):
        return False
    if course.spec.batch_norm is None:
        return course.progress >= _FAIR_PLAIN
    return course.progress >= _FAIR or course.steps >= _ENOUGH


def _has_learned(course: Course) -> bool:
    losses = [entry["loss_main"] for entry in course.history if "loss_main" in entry]
    return min(losses, default=0.0) < _LEFT * course.chance_loss


def _blocked(course: Course) -> Symptom | None:
    """No gradient at all in a block of the main path: nothing can come of that."""
    still = [name for name, norm in course.vitals.gradients.items() if norm == 0 and not _is_aux(name)]
    if not still:
        return None
    flag, changes = new_weights(course.settings)
    return Symptom(
        "no gradient",
        f"no gradient reaches {', '.join(still[:3])}: the weights block it, they cannot learn; take {flag}",
        changes,
    )


def _stuck(course: Course) -> Symptom:
    """The main head has learned nothing: why?"""
    settings = course.settings
    start = f"the main head's loss has not left that of guessing, {course.chance_loss:.2f}"
    flag, changes = slower(settings)
    if max(entry["loss_main"] for entry in course.history) > _ABOVE * course.chance_loss:
        return Symptom("rate too large", f"{start}, it was well above it; take {flag}", changes)
    if (moved := _moved(course)) is not None and moved < _BARELY:
        rate = settings.learning_rate * 30
        return Symptom(
            "rate too small",
            f"{start}, and a step changes the weights by {moved:.0e} of their size; take --learning-rate {rate:.2g}",
            {"learning_rate": float(f"{rate:.2g}")},
        )
    if course.spec.batch_norm is None and settings.weights is None:
        return Symptom(
            "stuck without batch norm",
            f"{start}: the {settings.variant} network without batch norm often stays there; take --recipe scratch",
            {"variant": "batch_norm"},
        )
    for dead in _dead(course):
        return dead
    return Symptom(
        "labels look shuffled",
        f"{start} though its gradients are healthy: the labels seem to have nothing to do with the images; "
        "look at them with googlenet check DIR --page check.html",
    )


def new_weights(settings: TrainSettings) -> tuple[str, dict[str, Any]]:
    """Other first weights, as flags and as changes."""
    if settings.weights:
        return "no --weights", {"weights": None, "frozen": (), "variant": "batch_norm"}
    return f"--recipe scratch --seed {settings.seed + 1}", {"variant": "batch_norm"}


def _moved(course: Course) -> float | None:
    """What one step changes at the highest rate, fraction of the weights' norm; None where it cannot be seen."""
    settings, vitals = course.settings, course.vitals
    weights = sqrt(sum(norm**2 for norm in vitals.weights.values()))
    if not weights:
        return None
    if settings.optimiser == "adamw":  # each weight moves by about the rate, whatever its gradient
        return settings.learning_rate * sqrt(course.spec.parameter_count) / weights
    gradient = sqrt(sum(norm**2 for norm in vitals.gradients.values()))
    return settings.learning_rate * gradient / (1 - settings.momentum) / weights


def _is_aux(name: str) -> bool:
    return block(name) in {block(OUTPUTS["aux1"]), block(OUTPUTS["aux2"])}


def _dead(course: Course) -> Iterator[Symptom]:
    dead = [name for name, share in course.vitals.silent.items() if share >= _DEAD]
    if dead:
        flag, changes = slower(course.settings)
        more = f" and {len(dead) - 3} more layers" if len(dead) > 3 else ""
        yield Symptom(
            "dead ReLUs",
            f"{', '.join(dead[:3])}{more}: {course.vitals.silent[dead[0]]:.0%} of the channels answer no image any "
            f"more, their ReLUs are dead; take {flag}, or other first weights",
            changes,
        )


def _validation(course: Course) -> Iterator[Symptom]:
    history, images = course.history, int(course.truth.sum())
    tops = [entry["val_top1"] for entry in history]
    doubt = 3 * sqrt(0.25 / max(images, 1))
    trained = history[-1].get("top1", 0.0)
    if course.progress >= _LATE and max(tops) <= course.chance_top1 + doubt and trained > max(tops) + _GAP + doubt:
        yield Symptom(
            "validation labels do not fit",
            f"training accuracy is {trained:.0%}, validation accuracy {tops[-1]:.0%}, no better than guessing: the "
            "labels of one look shuffled, or its images are of another kind; look at both with googlenet check DIR "
            "--page check.html",
        )
    elif _falls(history, max(_FALLS, doubt)):
        yield Symptom(
            "overfitting",
            f"validation accuracy has fallen from {max(tops):.0%} to {tops[-1]:.0%} while training accuracy rises: the "
            f"network learns the images by heart; take --epochs {1 + int(np.argmax(tops))}, or add images",
        )
    elif course.progress >= _LATE and trained > max(tops[-3:]) + _GAP + doubt:
        other = "" if course.settings.weights else ", or begin with the --weights of a trained network"
        yield Symptom(
            "overfitting",
            f"training accuracy is {trained:.0%}, validation accuracy {tops[-1]:.0%}: the network knows the training "
            f"images by heart and others less; add images, look at their labels{other}",
        )
    elif course.progress >= _LATE:
        yield from _never_answered(course)


def _falls(history: Sequence[Mapping[str, float]], enough: float) -> bool:
    """The last three epochs are all below the best by so much, and training accuracy is above what it was then."""
    tops = [entry["val_top1"] for entry in history]
    best = int(np.argmax(tops))
    if len(tops) - best <= 3 or max(tops[-3:]) > tops[best] - enough:
        return False
    return history[-1].get("top1", 0.0) > history[best].get("top1", 1.0)


def _never_answered(course: Course) -> Iterator[Symptom]:
    """Rare classes alone: a common one that is not answered is mostly one that is not learned yet."""
    rare = course.counts < course.counts.mean() / 2
    missing = [i for i, count in enumerate(course.truth) if count >= 3 and rare[i] and not course.answers[i]]
    if missing:
        names, weighed = ", ".join(course.classes[i] for i in missing[:3]), course.settings.class_weights
        yield Symptom(
            "class never predicted",
            f"{names}: never the answer on the validation images, though {course.truth[missing[0]]} of them would be "
            f"right; add training images{'' if weighed else ', or take --class-weights'}",
            {} if weighed else {"class_weights": True},
        )
