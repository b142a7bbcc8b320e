"""``googlenet demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from googlenet.cli.options import Json
from googlenet.cli.terminal import progress, show_run


def demo(
    which: Literal["digits", "flowers"] = "digits",
    /,
    *,
    out: Path | None = None,
    data: Path | None = None,
    weights: Path | None = None,
    as_json: Json = False,
) -> None:
    """From images to a measured, sealed model and a report, in minutes.

    Parameters
    ----------
    which
        digits: scikit-learn's handwritten digits, from scratch, no network needed;
        flowers: photographs and ImageNet weights, downloaded once
    out
        a new folder for the results; runs/digits or runs/flowers by default
    data
        flower photographs that are here already
    weights
        ImageNet weights that are here already
    """
    from googlenet import demo
    from googlenet.recipes import recipe
    from googlenet.workflow import train_and_judge

    folder = _free_folder(Path("runs") / which) if out is None else out
    if which == "digits":
        source = data or demo.write_digits(folder.with_name(f"{folder.name}-images"))
        settings = recipe("digits", weights=None)
    else:
        source = data or demo.fetch_flowers()
        settings = recipe("finetune", weights=weights or demo.fetch_weights())
    with progress("checking the images") as reading, progress("judging") as judging:
        run = train_and_judge(source, settings, folder, reading=reading, judging=judging)
    show_run(run, as_json=as_json)


def _free_folder(folder: Path) -> Path:
    """``folder``, or the first of folder-2, folder-3 … that does not exist."""
    number, free = 2, folder
    while free.exists():
        free, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return free
