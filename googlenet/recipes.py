"""Named training recipes: functions that return settings. Keyword arguments override single settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from googlenet.errors import SettingsError
from googlenet.settings import TrainSettings


def finetune(**changes: Any) -> TrainSettings:
    """Start from trained weights: a new head is fitted on the frozen features, then all but the stem trains.

    ``googlenet train DIR --weights bvlc_googlenet.caffemodel`` on the 2,500 flower photographs takes 8 minutes on
    2 cores and gives 94.0 and 94.8 % on the test split (seeds 0 and 1; docs/benchmarks.md).
    """
    return _settings(
        {
            "recipe": "finetune",
            "variant": "paper",
            "aux_heads": False,
            "frozen": ("conv1", "conv2"),
            "image_size": 192,
            "epochs": 9,
            "optimiser": "adamw",
            "learning_rate": 3e-4,
            "warmup": 0.05,
            "weight_decay": 0.02,
            "crop_area": (0.25, 1.0),
            "trivial_augment": True,
        },
        changes,
    )


def scratch(**changes: Any) -> TrainSettings:
    """Start from nothing: the batch-norm network with both auxiliary heads, one long cosine cycle.

    ``googlenet train DIR``. With few photographs expect much less than from ``finetune``; not measured on them yet.
    """
    return _settings({"recipe": "scratch", "trivial_augment": True}, changes)


def digits(**changes: Any) -> TrainSettings:
    """``scratch`` for the handwritten digits of the demo: small pictures, nothing mirrored, a short run.

    ``googlenet demo`` takes 80 seconds on 2 cores and gives 100 % of the 179 test images.
    """
    small = {"recipe": "digits", "image_size": 64, "epochs": 8, "flip": False, "trivial_augment": False}
    gentle = {"crop_area": (0.7, 1.0), "rotate": 10.0, "shift": 0.05}
    return _settings(small | gentle, changes)


RECIPES: dict[str, Callable[..., TrainSettings]] = {"finetune": finetune, "scratch": scratch, "digits": digits}


def recipe(name: str | None, *, weights: Path | None, **changes: Any) -> TrainSettings:
    """The settings of the recipe ``name`` (None: ``finetune`` with weights, else ``scratch``) with ``changes``.

    A change that is None is not made. Raises ``SettingsError`` for an unknown recipe, a contradiction, a bad value.
    """
    name = name or ("finetune" if weights else "scratch")
    if name not in RECIPES:
        raise SettingsError(f"--recipe is {name!r}; known are: {', '.join(RECIPES)}")
    if (name == "finetune") != (weights is not None):
        remedy = "give --weights FILE" if weights is None else "leave --weights out, or take --recipe finetune"
        raise SettingsError(f"--recipe is {name!r} and --weights is {weights}; {remedy}")
    return RECIPES[name](weights=weights, **{key: value for key, value in changes.items() if value is not None})


def _settings(defaults: dict[str, Any], changes: dict[str, Any]) -> TrainSettings:
    try:
        return TrainSettings(**(defaults | changes))
    except ValidationError as error:
        first = error.errors()[0]
        flag = "--" + str(first["loc"][0]).replace("_", "-")
        raise SettingsError(f"{flag} is {first['input']!r}: {first['msg']}") from error
