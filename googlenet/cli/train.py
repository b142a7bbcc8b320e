"""``googlenet train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from googlenet.cli.options import Json
from googlenet.cli.protocols import show_ensemble
from googlenet.cli.terminal import progress, show_run
from googlenet.errors import SettingsError

if TYPE_CHECKING:
    from googlenet.settings import TrainSettings


def train(
    data: Path,
    /,
    *,
    out: Path | None = None,
    resume: Path | None = None,
    weights: Path | None = None,
    recipe: str | None = None,
    epochs: float | None = None,
    time: str | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    image_size: int | None = None,
    flip: bool | None = None,
    class_weights: bool | None = None,
    framework: Literal["torch", "tensorflow", "jax"] | None = None,
    precision: Literal["auto", "fp32", "bf16"] | None = None,
    seed: int | None = None,
    doctor: Literal["watch", "fix", "off"] | None = None,
    aux_heads: bool | None = None,
    members: int = 1,
    lang: Literal["en", "zh"] = "en",
    as_json: Json = False,
) -> None:
    """Train a classifier on a folder of photographs and judge it on images that it has not seen.

    Parameters
    ----------
    data
        a folder with a sub-folder per class, or with train, val and test folders of such, or a CSV: path,label[,split]
    out
        a new folder for the model, the report and the logs
    resume
        instead of --out: the folder of a run that was interrupted, killed or is to have more --epochs; it goes on with
        its own settings
    weights
        a trained model to start from: a sealed model or a .caffemodel
    recipe
        auto (the default: finetune with --weights, else scratch, and the fewer images the more epochs), or one of
        finetune, scratch, digits, paper and tutorial: docs/training.md
    epochs
        how often each image is seen
    time
        instead of --epochs: how long all may take, judging included, 10m, 90s or 1h30m; the speed is measured, epochs
        are planned
    batch_size
        images per step
    learning_rate
        the highest rate, after the warm-up
    image_size
        pixels, the greatest in training; scratch begins smaller and seals a model that sees 1.15 times as many
    flip
        mirror images at random; not for digits or text
    class_weights
        weigh each class by the inverse of its number of images
    framework
        what trains: torch (the default), tensorflow or jax; the batches and the model are the same
    precision
        auto takes bf16 where this machine has it and a self-test agrees with fp32
    seed
        of the split, the order, the augmentation and the first weights
    doctor
        watch (the default) says what goes wrong in the training, and the remedy; fix also applies it and begins again,
        once
    aux_heads
        train the auxiliary heads too: they help from scratch, and answer early
    members
        so many models, as the paper's ensemble of 7: the same first weights, another order and augmentation each, the
        last one wider; judged alone and together
    lang
        of the report
    """
    from googlenet.ensemble import train_members
    from googlenet.recipes import recipe as make_settings
    from googlenet.workflow import train_and_judge

    changes: dict[str, Any] = {
        "weights": weights,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "image_size": image_size,
        "flip": flip,
        "class_weights": class_weights,
        "framework": framework,
        "precision": precision,
        "seed": seed,
        "doctor": doctor,
        "aux_heads": aux_heads,
    }
    folder = out or resume
    if folder is None or (out and resume):
        raise SettingsError("give either --out NEW-FOLDER or --resume RUN")
    if resume and members != 1:
        raise SettingsError(
            f"--members is {members} with --resume; resume one member, --resume RUN/member-2 for example"
        )
    seconds = _time(time, epochs, members)
    if resume:
        settings = _resumed(folder, epochs, {"recipe": recipe, "time": time, **changes})
    else:
        settings = make_settings(recipe, epochs=epochs, **changes)
    with progress("checking the images") as reading, progress("judging") as judging:
        if members == 1:
            run = train_and_judge(
                data,
                settings,
                folder,
                resume=bool(resume),
                seconds=seconds,
                language=lang,
                reading=reading,
                judging=judging,
            )
        else:
            ensemble = train_members(data, settings, folder, members, language=lang, reading=reading, judging=judging)
    if members == 1:
        show_run(run, as_json=as_json)
    else:
        show_ensemble(ensemble, as_json=as_json)


def _time(time: str | None, epochs: float | None, members: int) -> float | None:
    """Seconds of ``--time``."""
    from googlenet.training.budget import seconds_of

    if time is None:
        return None
    if epochs is not None:
        raise SettingsError(f"--time is {time} and --epochs is {epochs:g}; give one of them, --time plans the epochs")
    if members != 1:
        raise SettingsError(f"--time is {time} with --members {members}; time is planned for one model, give --epochs")
    return seconds_of(time)


def _resumed(folder: Path, epochs: float | None, changes: dict[str, Any]) -> TrainSettings:
    """The run's own settings, for more or fewer epochs where they are given; nothing else may change."""
    from googlenet.training.run import run_settings

    for name, value in changes.items():
        if value is not None:
            flag = "--" + name.replace("_", "-")
            raise SettingsError(
                f"{flag} is given with --resume, which keeps the run's own settings; only --epochs can change"
            )
    if epochs is not None and not epochs > 0:
        raise SettingsError(f"--epochs is {epochs:g}; give a number above 0")
    settings = run_settings(folder)
    return settings if epochs is None else settings.model_copy(update={"epochs": epochs})
