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

DIVERGED = 1.5  # times the loss of guessing
_LEFT = 0.95  # of the loss of guessing: a head below that has begun to learn
_FAIR = 0.3  # of the training: a head that has learned nothing by then will not
_DEAD = 0.95  # fraction of a layer's channels
_BARELY = 1e-5  # of the weights' norm: what a step changes when the rate is far too small
_FALLS = 0.1  # of the validation accuracy, below its best


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
    classes: tuple[str, ...]


def slower(settings: TrainSettings) -> tuple[str, dict[str, Any]]:
    """A tenth of the rate, as a flag and as a change."""
    rate = float(f"{settings.learning_rate / 10:.2g}")
    return f"--learning-rate {rate:g}", {"learning_rate": rate}


def diverged(settings: TrainSettings, loss: float, chance: float) -> Symptom:
    """The loss of many steps together is far above that of guessing."""
    flag, changes = slower(settings)
    return Symptom(
        "diverged",
        f"the loss is {loss:.3g}, guessing would give {chance:.2f}: the training has diverged; take {flag}",
        changes,
    )


def judge(course: Course) -> Iterator[Symptom]:
    """The symptoms at the end of an epoch; of those with one cause, the cause alone."""
    learned = _has_learned(course, "main")
    if _is_fair(course) and not learned:
        yield _stuck(course)
        return
    yield from _dead(course)
    if learned and _is_fair(course):
        yield from _stuck_heads(course)
        yield from _validation(course)


def _is_fair(course: Course) -> bool:
    return len(course.history) >= 3 and course.steps >= 50 and (course.progress >= _FAIR or course.steps >= 2000)


def _has_learned(course: Course, head: str) -> bool:
    losses = [entry[f"loss_{head}"] for entry in course.history if f"loss_{head}" in entry]
    return min(losses, default=0.0) < _LEFT * course.chance_loss


def _stuck(course: Course) -> Symptom:
    """The main head has learned nothing: why?"""
    settings = course.settings
    start = f"the main head's loss has not left that of guessing, {course.chance_loss:.2f}"
    flag, changes = slower(settings)
    for dead in _dead(course):
        return dead
    gradients = course.vitals.gradients
    if gradients and (still := [name for name, norm in gradients.items() if norm == 0 and not _is_aux(name)]):
        flag, changes = _new_weights(settings)
        return Symptom(
            "no gradient",
            f"{start}, and no gradient reaches {', '.join(still[:3])}: the first weights block it; {flag}",
            changes,
        )
    if (moved := _moved(course)) is not None and moved < _BARELY:
        rate = settings.learning_rate * 30
        return Symptom(
            "rate too small",
            f"{start}, and a step changes the weights by {moved:.0e} of their size; take --learning-rate {rate:.2g}",
            {"learning_rate": float(f"{rate:.2g}")},
        )
    if course.history[-1]["loss_main"] > 1.1 * course.chance_loss:
        return Symptom("rate too large", f"{start}, it is above it; take {flag}", changes)
    if course.spec.batch_norm is None and settings.weights is None:
        return Symptom(
            "stuck without batch norm",
            f"{start}: the {settings.variant} network without batch norm often stays there; take --recipe scratch",
            {"variant": "batch_norm"},
        )
    return Symptom(
        "labels look shuffled",
        f"{start} though its gradients are healthy: the labels seem to have nothing to do with the images; "
        "look at them with googlenet check DIR --page check.html",
    )


def _new_weights(settings: TrainSettings) -> tuple[str, dict[str, Any]]:
    if settings.weights:
        return "leave --weights out", {"weights": None, "frozen": (), "variant": "batch_norm"}
    return f"take --recipe scratch --seed {settings.seed + 1}", {"variant": "batch_norm"}


def _moved(course: Course) -> float | None:
    """What one step changes at the highest rate, fraction of the weights' norm; None where it cannot be seen."""
    settings, vitals = course.settings, course.vitals
    weights = sqrt(sum(norm**2 for norm in vitals.weights.values()))
    if not weights or settings.optimiser != "sgd":
        return None
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


def _stuck_heads(course: Course) -> Iterator[Symptom]:
    for head in ("aux1", "aux2"):
        if any(f"loss_{head}" in entry for entry in course.history) and not _has_learned(course, head):
            yield Symptom(
                f"{head} stuck",
                f"the head {head} has not left the loss of guessing, {course.chance_loss:.2f}, while the main head "
                "learns; take --no-aux-heads",
                {"aux_heads": False},
            )


def _validation(course: Course) -> Iterator[Symptom]:
    history, images = course.history, int(course.truth.sum())
    tops = [entry["val_top1"] for entry in history]
    doubt = 3 * sqrt(0.25 / max(images, 1))
    trained = history[-1].get("top1", 0.0)
    if course.progress >= 0.5 and max(tops) <= course.chance_top1 + doubt and trained > max(tops) + 0.2 + doubt:
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
    elif course.progress >= 0.6:
        yield from _never_answered(course)


def _falls(history: Sequence[Mapping[str, float]], enough: float) -> bool:
    """The last three epochs are all below the best by so much, and training accuracy is above what it was then."""
    tops = [entry["val_top1"] for entry in history]
    best = int(np.argmax(tops))
    if len(tops) - best <= 3 or max(tops[-3:]) > tops[best] - enough:
        return False
    return history[-1].get("top1", 0.0) > history[best].get("top1", 1.0)


def _never_answered(course: Course) -> Iterator[Symptom]:
    missing = [i for i, count in enumerate(course.truth) if count >= 3 and not course.answers[i]]
    if missing:
        names = ", ".join(course.classes[i] for i in missing[:3])
        yield Symptom(
            "class never predicted",
            f"{names}: never the answer on the validation images, though {course.truth[missing[0]]} of them would be "
            "right; add training images, or take --class-weights",
            {} if course.settings.class_weights else {"class_weights": True},
        )
