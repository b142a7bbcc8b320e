"""``googlenet convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json


def convert(
    source: Path,
    target: Path,
    /,
    *,
    labels: Path | None = None,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> None:
    """Turn a foreign checkpoint into a sealed model.

    Parameters
    ----------
    source
        Caffe's bvlc_googlenet.caffemodel or one like it
    target
        the .safetensors file to write
    labels
        a text file with one class per line, in order: an id, a space and a name, or the name alone
    overwrite
        replace the target if it exists
    """
    from googlenet.weights.convert import convert, save_new

    model = convert(source, labels=labels)
    save_new(model, target, overwrite=overwrite)
    count = sum(tensor.size for tensor in model.tensors.values())
    if as_json:
        spec = model.spec
        print_json({"model": str(target), "variant": spec.variant, "classes": spec.classes, "parameters": count})
    else:
        print(f"{target}: variant {model.spec.variant}, {model.spec.classes} classes, {count:,} parameters")
