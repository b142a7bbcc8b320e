"""Named training recipes: functions that return settings. Keyword arguments override single settings."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from googlenet.errors import SettingsError
from googlenet.settings import TrainSettings

MEASURED_ON = 2000
"""Training images with which the epochs of ``finetune`` and ``scratch`` were chosen."""


def auto(**changes: Any) -> TrainSettings:
    """What suits what is there: ``finetune`` where there are weights, else ``scratch``; fewer images, more epochs.

    ``googlenet train DIR [--weights FILE]``. How many epochs is settled by ``suited`` when the images are known, unless
    they are given, or planned for a time. Fine-tuned on 100 flower photographs, 9 epochs gave 78.8 % of 1,000 others,
    27 gave 82.5 and 80 gave 83.0 %; on 300 photographs 9 gave 85.9 and 23 gave 87.5 %. From scratch, and for many
    images, it was not measured.
    """
    make = finetune if changes.get("weights") else scratch
    return make(**changes) if "epochs" in changes else make(**({"recipe": "auto"} | changes))


def suited(settings: TrainSettings, images: int) -> TrainSettings:
    """The settings of ``auto`` for so many training images; those of other recipes as they are.

    Epochs grow as images get fewer, but steps do not: with a quarter of the images twice the epochs, half the steps.
    """
    if settings.recipe != "auto":
        return settings
    epochs = settings.epochs * min(max(sqrt(MEASURED_ON / images), 0.2), 5.0)
    name = "finetune" if settings.weights else "scratch"
    return settings.model_copy(update={"recipe": name, "epochs": float(f"{epochs:.2g}")})


def finetune(**changes: Any) -> TrainSettings:
    """Start from trained weights: a new head is fitted on the frozen features, then all but the stem trains.

    ``googlenet train DIR --weights bvlc_googlenet.caffemodel --time 10m`` on the 2,500 flower photographs comes to
    about as many epochs as without ``--time`` on 2 cores, and gives 94.4, 95.6 and 94.4 % on the test split (seeds 0, 1
    and 2); ``--time 30m`` comes to 71 epochs and 97.2 % (seed 0; docs/benchmarks.md).
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
    """Start from nothing: the batch-norm network with both auxiliary heads, one long cosine cycle, pictures that grow.

    ``googlenet train DIR --time 60m`` on the 2,500 flower photographs comes to 108 epochs on 2 cores, and gives 91.6 %
    on the test split (seed 0), ``--time 15m`` 88.1 % (mean of the seeds 0, 1 and 2, standard deviation 0.5), ``--time
    7m`` 85.2 % (seed 0; docs/benchmarks.md). The model sees pictures 1.15 times as large as in training, where
    random crops show things larger (Touvron et al., *Fixing the train-test resolution discrepancy*, arXiv 1906.06423).
    No mixup and no CutMix: neither was tried, since the network ends at 92 % of the training pictures, as they are
    changed, and 91 % of the validation pictures. AdamW learned more in 10 epochs than SGD at the rates that were tried.
    """
    sizes = growing_sizes(int(changes.get("image_size", 160)))
    adamw = {"optimiser": "adamw", "learning_rate": 1e-3, "weight_decay": 0.05}
    pictures = {"trivial_augment": True, "erase": 0.1, "crop_area": (0.25, 1.0)}
    return _settings({"recipe": "scratch", "epochs": 100} | adamw | sizes | pictures, changes)


def growing_sizes(size: int) -> dict[str, int]:
    """Pixels of the pictures of ``scratch``: at first 0.6 of ``size``, the last in training; sealed at 1.15 of it."""
    return {"image_size": size, "first_size": min(size, max(64, round(0.6 * size))), "test_size": round(1.15 * size)}


def paper(**changes: Any) -> TrainSettings:
    """As far as Szegedy et al. tell it (sections 5 and 6): no batch norm, SGD 0.9, 4 % less rate every 8 epochs.

    ``googlenet train DIR --recipe paper``. Crops of 8-100 % at aspects 3/4 to 4/3, random interpolation, photometric
    distortions, heads at 0.3, an average of the weights at the end. The paper leaves rate, batch, decay and gradient
    clipping open; those are ours, and the average is exponential where Polyak's is uniform. On the 2,500 flower
    photographs the main head leaves ln 5 = 1.61 in the third epoch in each of three seeds, and is at 1.33, 1.36 and
    1.28 after five, at about a minute and a half an epoch on one core in bf16. What it comes to was not measured.
    """
    rates = {"learning_rate": 0.01, "schedule": "steps", "warmup": 0.0, "nesterov": False, "average_decay": 0.999}
    pictures = {"crop_area": (0.08, 1.0), "any_filter": True, "photometric": True}
    paper = {"recipe": "paper", "variant": "paper", "epochs": 100, "label_smoothing": 0.0}
    return _settings(paper | rates | pictures, changes)


def tutorial(**changes: Any) -> TrainSettings:
    """As the well-known tutorial trains its network: Adam 3e-4 at batches of 32, random crops, mirrored, 30 epochs.

    ``googlenet train DIR --recipe tutorial``. AdamW without decay is Adam. The best epoch by validation is kept, as
    there. Accuracy and time: not measured.
    """
    adam = {"optimiser": "adamw", "learning_rate": 3e-4, "adam_beta2": 0.999, "weight_decay": 0.0}
    plain = {"schedule": "constant", "warmup": 0.0, "label_smoothing": 0.0, "average_decay": 0.0, "clip_norm": 1e9}
    plain |= {"crop_area": (0.08, 1.0)}
    return _settings({"recipe": "tutorial", "variant": "tutorial"} | adam | plain, changes)


def digits(**changes: Any) -> TrainSettings:
    """``scratch`` for the handwritten digits of the demo: small pictures, nothing mirrored, a short run.

    ``googlenet demo`` takes 80 seconds on 2 cores and gives 100 % of the 179 test images.
    """
    small = {"recipe": "digits", "image_size": 64, "epochs": 8, "flip": False, "trivial_augment": False}
    gentle = {"crop_area": (0.7, 1.0), "rotate": 10.0, "shift": 0.05}
    return _settings(small | gentle, changes)


RECIPES: dict[str, Callable[..., TrainSettings]] = {
    "auto": auto,
    "finetune": finetune,
    "scratch": scratch,
    "digits": digits,
    "paper": paper,
    "tutorial": tutorial,
}


def recipe(name: str | None, *, weights: Path | None, **changes: Any) -> TrainSettings:
    """The settings of the recipe ``name`` (None: ``auto``) with ``changes``.

    A change that is None is not made. Raises ``SettingsError`` for an unknown recipe, a contradiction, a bad value.
    """
    name = name or "auto"
    if name not in RECIPES:
        raise SettingsError(f"--recipe is {name!r}; known are: {', '.join(RECIPES)}")
    if name != "auto" and (name == "finetune") != (weights is not None):
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
