"""The doctor of a training: what it says of figures that are known to be wrong, and that looking changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from googlenet.data.batches import Batch
from googlenet.data.preprocess import Preprocessing
from googlenet.network.initial import initial_weights
from googlenet.recipes import scratch
from googlenet.training.learner import Step
from googlenet.training.symptoms import Course, is_diverged, judge
from googlenet.training.torch_learner import TorchLearner
from googlenet.training.vitals import Vitals
from googlenet.variants import batch_norm, tutorial

CHANCE = float(np.log(4))
HEALTHY = [
    {"loss_main": loss, "loss_aux1": loss, "top1": top1, "val_top1": top1}
    for loss, top1 in ((1.3, 0.4), (0.8, 0.7), (0.4, 0.9), (0.3, 0.95))
]
NEVER = np.array([100, 50, 50, 0])
STUCK = [entry | {"loss_main": CHANCE} for entry in HEALTHY]


def _course(history: list[dict[str, float]], **changes: Any) -> Course:
    usual: dict[str, Any] = {
        "settings": scratch(),
        "spec": batch_norm(4),
        "history": history,
        "steps": 400,
        "progress": 0.8,
        "chance_loss": CHANCE,
        "chance_top1": 0.25,
        "vitals": Vitals({"conv1/7x7_s2": 0.1}, {"conv1": 1.0}, {"conv1": 10.0}),
        "answers": np.full(4, 50),
        "truth": np.full(4, 50),
        "counts": np.full(4, 100),
        "classes": ("a", "b", "c", "d"),
    }
    return Course(**(usual | changes))


@pytest.mark.parametrize(
    ("name", "course"),
    [
        (None, _course(HEALTHY)),
        (None, _course(STUCK[:2])),  # too early to tell
        ("labels look shuffled", _course(STUCK)),
        ("stuck without batch norm", _course(STUCK, spec=tutorial(4))),
        ("no gradient", _course(STUCK, vitals=Vitals({}, {"conv1": 0.0}, {"conv1": 1.0}))),
        ("rate too small", _course(STUCK, settings=scratch(optimiser="sgd", learning_rate=1e-7))),
        ("rate too small", _course(STUCK, settings=scratch(learning_rate=1e-9))),
        ("rate too large", _course([entry | {"loss_main": 1.4 * CHANCE} for entry in STUCK])),
        (None, _course([entry | {"loss_main": 3 * CHANCE} for entry in HEALTHY])),  # the steps tell
        ("dead ReLUs", _course(HEALTHY, vitals=Vitals({"inception_4c/5x5": 1.0}))),
        ("validation labels do not fit", _course([entry | {"val_top1": 0.25} for entry in HEALTHY])),
        ("overfitting", _course(HEALTHY + [HEALTHY[-1] | {"top1": 0.99, "val_top1": 0.6}] * 3)),
        ("overfitting", _course([entry | {"val_top1": 0.6} for entry in HEALTHY])),
        (None, _course([entry | {"val_top1": 0.85} for entry in HEALTHY])),  # 10 points may be chance
        ("class never predicted", _course(HEALTHY, answers=NEVER, counts=np.array([100, 100, 100, 5]), steps=96)),
        ("class never predicted", _course(HEALTHY, answers=NEVER, counts=np.array([100, 100, 100, 5]))),
        (None, _course(HEALTHY, answers=NEVER)),  # as common as the others: not learned yet
    ],
)
def test_what_is_wrong_is_named(name: str | None, course: Course) -> None:
    assert [symptom.name for symptom in judge(course)] == ([name] if name else [])


@pytest.mark.parametrize(
    ("losses", "begin", "expected"),
    [
        (np.full(20, 3 * CHANCE), 1.4, True),  # stays far above
        (np.geomspace(1e9, 1e4, 20), 1.4, True),  # comes down from where it never was at first
        (np.geomspace(30, 5, 20), 30.0, False),  # a network that starts there, as the tutorial's does
        (np.full(20, 20.0), 30.0, True),  # fell and stays
        (np.full(20, 1.2 * CHANCE), 1.4, False),
    ],
)
def test_a_training_has_diverged_when_the_loss_is_far_above_guessing_and_does_not_come_down(
    losses: NDArray[np.float64], begin: float, expected: bool
) -> None:
    assert is_diverged(list(losses), begin, CHANCE) == expected


def test_looking_changes_nothing() -> None:
    spec = batch_norm(4).scaled(1 / 16)
    settings = scratch(image_size=64, batch_size=4, precision="fp32")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 64, 64, 3)).astype(np.uint8)
    probes = rng.standard_normal((4, 3, 64, 64), np.float32)
    states = []
    for looks in (False, True):
        learner = TorchLearner(spec, Preprocessing(resize_size=72, crop_size=64), settings, None)
        learner.load(initial_weights(spec, 0))
        for number in range(3):
            learner.step(Batch(images, np.arange(4), np.arange(4)), Step(0.05, 0.5, seed=number))
            before = torch.get_rng_state()
            if looks:
                assert learner.vitals(probes).broken is None
            assert torch.equal(before, torch.get_rng_state())
        states.append(learner.state())
    assert all(np.array_equal(states[0][name], value) for name, value in states[1].items())
