"""``googlenet train``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from googlenet.cli.options import Json
from googlenet.cli.terminal import progress, show_run


def train(
    data: Path,
    /,
    *,
    out: Path,
    weights: Path | None = None,
    recipe: str | None = None,
    epochs: float | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    image_size: int | None = None,
    flip: bool | None = None,
    class_weights: bool | None = None,
    precision: Literal["auto", "fp32", "bf16"] | None = None,
    seed: int | None = None,
    as_json: Json = False,
) -> None:
    """Train a classifier on a folder of photographs and judge it on images that it has not seen.

    Parameters
    ----------
    data
        a folder with a sub-folder per class, or with train, val and test folders of such, or a CSV: path,label[,split]
    out
        a new folder for the model, the report and the logs
    weights
        a trained model to start from: a sealed model or a .caffemodel
    recipe
        finetune (the default with --weights), scratch (without), or digits
    epochs
        how often each image is seen
    batch_size
        images per step
    learning_rate
        the highest rate, after the warm-up
    image_size
        pixels, in training and in the model
    flip
        mirror images at random; not for digits or text
    class_weights
        weigh each class by the inverse of its number of images
    precision
        auto takes bf16 where this machine has it and a self-test agrees with fp32
    seed
        of the split, the order, the augmentation and the first weights
    """
    from googlenet.recipes import recipe as make_settings
    from googlenet.workflow import train_and_judge

    settings = make_settings(
        recipe,
        weights=weights,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        image_size=image_size,
        flip=flip,
        class_weights=class_weights,
        precision=precision,
        seed=seed,
    )
    with progress("checking the images") as reading, progress("judging") as judging:
        run = train_and_judge(data, settings, out, reading=reading, judging=judging)
    show_run(run, as_json=as_json)
