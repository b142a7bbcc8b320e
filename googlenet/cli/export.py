"""``googlenet export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from pydantic import ValidationError

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, say
from googlenet.errors import SettingsError


def export(
    model: Path,
    folder: Path,
    /,
    *,
    to: Literal["onnx", "openvino", "safetensors"],
    fp16: Annotated[bool, Parameter(negative="")] = False,
    batch: str = "dynamic",
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
    fp16
        weights in 16 bits, half the size; computed in 32
    batch
        images at once: a number, or dynamic for any
    """
    from googlenet.export.export import export_model
    from googlenet.settings import ExportSettings
    from googlenet.weights.convert import open_model

    try:
        settings = ExportSettings(
            to=to,
            precision="fp16" if fp16 else "fp32",
            batch=_batch(batch),
        )
    except ValidationError as error:
        first = error.errors()[0]
        flag = f"--{first['loc'][0]}: ".replace("_", "-") if first["loc"] else ""
        raise SettingsError(flag + first["msg"].removeprefix("Value error, ")) from error
    done = export_model(open_model(model), folder, settings)
    if as_json:
        print_json(done.as_json())
        return
    print(f"{done.export.folder}: {to} {settings.precision}, {done.bytes / 1e6:.1f} MB")
    say(f"verified: logits differ by {done.difference:.1e} of the largest")


def _batch(text: str) -> int | None:
    if text == "dynamic":
        return None
    if not text.isdecimal():
        raise SettingsError(f"--batch is {text!r}; give a number of images, or dynamic")
    return int(text)
