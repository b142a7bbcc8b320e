"""``googlenet export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from pydantic import ValidationError

from googlenet.cli.options import Json, split_seed
from googlenet.cli.terminal import print_json, progress, say
from googlenet.errors import SettingsError


def export(
    model: Path,
    folder: Path,
    /,
    *,
    to: Literal["onnx", "openvino", "savedmodel", "litert", "pt2", "safetensors"],
    int8: Annotated[bool, Parameter(negative="")] = False,
    fp16: Annotated[bool, Parameter(negative="")] = False,
    batch: str = "dynamic",
    with_preprocessing: Annotated[bool, Parameter(negative="")] = False,
    calibrate: Path | None = None,
    max_drop: float = 0.5,
    as_json: Json = False,
) -> None:
    """Write a model for another runtime, with a contract and golden images by which any program can be checked.

    Parameters
    ----------
    model
        a sealed model or a foreign checkpoint
    folder
        a new folder for the model, contract.json, the golden images, a README and examples
    to
        the format
    int8
        8-bit integers, calibrated and judged on --calibrate
    fp16
        weights in 16 bits, half the size; computed in 32
    batch
        images at once: a number, or dynamic for any
    with_preprocessing
        resize, crop and normalise inside the graph, which then takes 8-bit pixels of any size (onnx)
    calibrate
        the data set that the model was trained on: its training images calibrate int8, its validation images judge it
    max_drop
        points of validation accuracy that int8 may lose
    """
    from googlenet.export.export import export_model
    from googlenet.settings import ExportSettings
    from googlenet.weights.convert import open_model

    if int8 and fp16:
        raise SettingsError("--int8 and --fp16 are both given; choose one")
    try:
        settings = ExportSettings(
            to=to,
            precision="int8" if int8 else "fp16" if fp16 else "fp32",
            with_preprocessing=with_preprocessing,
            max_drop=max_drop,
            batch=_batch(batch),
        )
    except ValidationError as error:
        first = error.errors()[0]
        flag = f"--{first['loc'][0]}: ".replace("_", "-") if first["loc"] else ""
        raise SettingsError(flag + first["msg"].removeprefix("Value error, ")) from error
    sealed = open_model(model)
    dataset = None
    if calibrate is not None:
        from googlenet.data.index import read_dataset

        with progress("checking the images") as reading:
            dataset = read_dataset(calibrate, seed=split_seed(sealed, None), classes=sealed.classes, progress=reading)
        say("calibrating and judging int8; this takes some minutes")
    with progress("judging") as judging:
        done = export_model(sealed, folder, settings, dataset, progress=judging)
    if as_json:
        print_json(done.as_json())
        return
    print(f"{done.export.folder}: {to} {settings.precision}, {done.bytes / 1e6:.1f} MB")
    for row in done.table:
        print(
            f"{row.precision}: {row.bytes / 1e6:5.1f} MB, {row.images_per_second:6.1f} images/s, "
            f"{row.milliseconds:5.1f} ms for one, {100 * row.top1:5.1f} % right, agrees in {100 * row.agreement:5.1f} %"
        )
    if done.float_layers:
        say(f"in float: {', '.join(done.float_layers)}")
    if not done.table:
        say(f"verified: logits differ by {done.difference:.1e} of the largest")


def _batch(text: str) -> int | None:
    if text == "dynamic":
        return None
    if not text.isdecimal():
        raise SettingsError(f"--batch is {text!r}; give a number of images, or dynamic")
    return int(text)
