"""``googlenet convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, say
from googlenet.errors import SettingsError


def convert(
    source: Path,
    target: Path,
    /,
    *,
    labels: Path | None = None,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> None:
    """Turn a foreign checkpoint into a sealed model, or a sealed model into a foreign checkpoint.

    Parameters
    ----------
    source
        Caffe's .caffemodel; torchvision's or the tutorial's .pth; a TF-slim checkpoint; our .keras; a sealed model
    target
        the file to write: .safetensors for a sealed model, .caffemodel, .pth, .ckpt (TensorFlow),
        .keras or .onnx for the others
    labels
        a text file with one class per line, in order: an id, a space and a name, or the name alone
    overwrite
        replace the target if it exists
    """
    from googlenet.engines.agreement import check_against_onnx, check_written
    from googlenet.weights.convert import Conversion, convert, export_weights, save_new
    from googlenet.weights.file_kind import FileKind, kind_of
    from googlenet.weights.model_file import read_model

    is_sealed = source.exists() and kind_of(source) is FileKind.SAFETENSORS
    if is_sealed and target.suffix != ".safetensors":
        if labels is not None:
            raise SettingsError(f"--labels is {labels}, but {source} knows its classes; leave it out")
        model = read_model(source)
        conversion = Conversion(model, len(model.tensors), (), ())
    else:
        conversion = convert(source, labels=labels)
        model = conversion.model
    if source.exists() and kind_of(source) is FileKind.ONNX:
        say(f"verified: logits differ by {check_against_onnx(model, source):.1e} of the largest")
    (save_new if target.suffix == ".safetensors" else export_weights)(model, target, overwrite=overwrite)
    written = check_written(model, target)
    count = sum(tensor.size for tensor in model.tensors.values())
    if as_json:
        print_json(
            {
                "model": str(target),
                "variant": model.spec.variant,
                "classes": model.spec.classes,
                "parameters": count,
                "tensors": {
                    "taken": conversion.taken,
                    "transformed": conversion.transformed,
                    "left": conversion.left,
                },
                "verified": written,
            }
        )
        return
    print(f"{target}: variant {model.spec.variant}, {model.spec.classes} classes, {count:,} values")
    say(f"{conversion.taken} tensors taken")
    for words in (*conversion.transformed, *conversion.left):
        say(words)
    say(f"verified: {written}")
