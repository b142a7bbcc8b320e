"""Foreign checkpoints to sealed models, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from googlenet.data.preprocess import Preprocessing
from googlenet.errors import ModelFileError
from googlenet.saving import atomic_write
from googlenet.spec import OUTPUTS
from googlenet.weights.caffe import read_caffemodel, spec_of
from googlenet.weights.caffe_writer import write_caffemodel
from googlenet.weights.file_kind import FileKind, kind_of
from googlenet.weights.foreign import Foreign
from googlenet.weights.hub import fetch, on_hub
from googlenet.weights.labels import numbered, read_labels
from googlenet.weights.model_file import SealedModel, read_model

CAFFE_PREPROCESSING = Preprocessing(
    orientation="exif",
    draft=False,
    resize="warp",
    resize_size=256,
    filter="bilinear",
    crop_size=224,
    channel_order="BGR",
    mean=(104.0, 117.0, 123.0),
    scale=(1.0, 1.0, 1.0),
)
"""How BVLC's model wants its photographs: warped to 256x256, the centre 224x224, BGR 0–255 minus the mean."""

# Pixels to -1..1. Torchvision's ``transform_input`` undoes ImageNet's mean and deviation and ends there too.
_TORCHVISION = Preprocessing(draft=False)
_SLIM = Preprocessing(draft=False)  # its 87.5 % centre crop is 224 of 256
_TUTORIAL = Preprocessing(draft=False, resize="warp", resize_size=224, crop_size=224)
_TUTORIAL_BN = _TUTORIAL.model_copy(
    update={
        "mean": (0.485 * 255, 0.456 * 255, 0.406 * 255),
        "scale": (1 / (0.229 * 255), 1 / (0.224 * 255), 1 / (0.225 * 255)),
    }
)

PREPROCESSING = {
    "paper": CAFFE_PREPROCESSING,
    "torchvision": _TORCHVISION,
    "tutorial": _TUTORIAL,
    "tutorial_tf": _TUTORIAL,
    "tutorial_bn": _TUTORIAL_BN,
    "slim": _SLIM,
    "batch_norm": Preprocessing(),
    "naive": CAFFE_PREPROCESSING,
}

_READABLE = (
    "Caffe's .caffemodel, PyTorch's .pth of torchvision or the tutorial, TensorFlow's checkpoints of slim or the "
    "tutorial, .keras files of this package, ONNX files"
)


@dataclass(frozen=True, eq=False)
class Conversion:
    """A sealed model and what became of every tensor of its source."""

    model: SealedModel
    taken: int  # tensors that are in the model
    transformed: tuple[str, ...]  # those of them that were changed in type or layout, and how
    left: tuple[str, ...]  # those that have no place in it, and why


def convert(source: Path, *, labels: Path | None = None) -> Conversion:
    """The sealed model of a foreign checkpoint, which its content tells apart, not its extension.

    Args:
        source: A ``.caffemodel`` of the paper's network; a ``.pth`` of torchvision's or the tutorial's, loaded without
            running anything; a TensorFlow checkpoint of slim or the tutorial, by its prefix or ``.index`` file; a
            ``.keras`` file of this package; an ONNX graph. What should be done to photographs an ONNX file does not
            say: the nearest network's is taken.
        labels: A text file with one class per line, in order: ``n01440764 tench, Tinca tinca`` (id, space, name) or
            the name alone. Without it the classes are called ``class_0``, ``class_1`` …

    A torchvision checkpoint is taken to want ``transform_input``, as all that came from its ImageNet weights do.

    Raises:
        ModelFileError: The file cannot be read, is of another kind or another network, or the labels do not fit.
        MissingExtraError: It is PyTorch's or TensorFlow's, and these are not installed.
    """
    foreign, files = _read(source)
    _check_finite(source, foreign)
    own_classes = foreign.classes or numbered(foreign.spec.classes)
    classes = read_labels(labels, foreign.spec.classes) if labels else own_classes
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    record = {**foreign.extra, "converted_from": source.name, "source_sha256": digest.hexdigest()}
    preprocessing = foreign.preprocessing or PREPROCESSING[foreign.spec.variant]
    model = SealedModel(foreign.spec, classes, preprocessing, foreign.tensors, record, foreign.calibration)
    return Conversion(model, len(foreign.tensors), foreign.transformed, foreign.left)


def _read(source: Path) -> tuple[Foreign, list[Path]]:
    """What the checkpoint holds, and the files that it consists of."""
    if not source.exists() and source.with_name(f"{source.name}.index").exists():
        source = source.with_name(f"{source.name}.index")  # TensorFlow names a checkpoint by what its files share
    kind = kind_of(source)
    if kind is FileKind.SAFETENSORS:
        read_model(source)
        raise ModelFileError(f"{source}: is a sealed model already; use it as it is")
    if kind in (FileKind.PYTORCH, FileKind.PICKLE):
        from googlenet.weights.torch_checkpoint import read_torch_checkpoint

        return read_torch_checkpoint(source), [source]
    if kind is FileKind.TENSORFLOW:
        return _read_tensorflow(source), sorted(source.parent.glob(f"{source.name.removesuffix('.index')}*"))
    if kind is FileKind.KERAS:
        from googlenet.weights.keras_file import read_keras_file

        return read_keras_file(source), [source]
    if kind is FileKind.ONNX:
        from googlenet.weights.onnx_reader import read_onnx

        return read_onnx(source), [source]
    # A file so damaged that its content says nothing still gets the message about what is wrong in it.
    if kind is not FileKind.CAFFE and not (kind is FileKind.UNKNOWN and source.suffix == ".caffemodel"):
        raise ModelFileError(f"{source}: is {kind.value}; convert reads {_READABLE}")
    tensors = read_caffemodel(source)
    return Foreign(spec_of(source, tensors), tensors), [source]


def _read_tensorflow(source: Path) -> Foreign:
    from googlenet.weights.slim import read_slim_checkpoint
    from googlenet.weights.tensorflow_checkpoint import open_checkpoint
    from googlenet.weights.tutorial import is_tutorial, read_tutorial_checkpoint

    reader = open_checkpoint(source)
    read = read_tutorial_checkpoint if is_tutorial(reader) else read_slim_checkpoint
    return read(source, reader)


def _check_finite(source: Path, foreign: Foreign) -> None:
    for name, tensor in foreign.tensors.items():
        if not np.isfinite(tensor).all():
            raise ModelFileError(f"{source}: {name} holds a value that is no finite number; fetch another file")


def open_model(path: Path) -> SealedModel:
    """The model of a sealed file, here or on the Hub (``hf://user/model``), or of a foreign checkpoint converted on the
    way; raises ``ModelFileError``.
    """
    if on_hub(path):
        return read_model(fetch(path))
    if path.exists() and kind_of(path) is FileKind.SAFETENSORS:
        return read_model(path)
    return convert(path).model


def save_new(model: SealedModel, path: Path, *, overwrite: bool = False) -> None:
    """Save to ``path``; raises ``ModelFileError`` when a file is there already and ``overwrite`` is not set."""
    refuse_existing(path, overwrite=overwrite)
    model.save(path)


def export_weights(model: SealedModel, path: Path, *, overwrite: bool = False) -> None:
    """Write the weights as a foreign checkpoint, by the ending of ``path``.

    ``.caffemodel``; ``.pth`` of torchvision's or the tutorial's; ``.ckpt``, TensorFlow's files of that prefix, of
    TF-slim's or the tutorial's; ``.keras``; ``.onnx``, whose batch norms are folded.

    Raises ``ModelFileError`` for another ending, and where the network does not fit the foreign one.
    """
    if path.suffix not in _WRITERS:
        raise ModelFileError(f"{path}: ends in {path.suffix!r}; give .safetensors, {', '.join(_WRITERS)}")
    refuse_existing(path, overwrite=overwrite)
    _WRITERS[path.suffix](path, model)


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raise ``ModelFileError`` where a file is there already and ``overwrite`` is not set."""
    if (path.exists() or path.with_name(f"{path.name}.index").exists()) and not overwrite:
        raise ModelFileError(f"{path}: exists already; give another path, or --overwrite to replace it")


def _write_caffe(path: Path, model: SealedModel) -> None:
    write_caffemodel(path, model.spec, model.tensors)


def _write_torch(path: Path, model: SealedModel) -> None:
    from googlenet.weights.torch_checkpoint import write_torch_checkpoint

    write_torch_checkpoint(path, model.spec, model.tensors, model.record.get("num_batches_tracked", {}))


def _write_keras(path: Path, model: SealedModel) -> None:
    from googlenet.weights.keras_file import write_keras_file

    write_keras_file(path, model)


def _write_tensorflow(path: Path, model: SealedModel) -> None:
    from googlenet.weights.slim import slim_tensors
    from googlenet.weights.tensorflow_checkpoint import write_named_checkpoint, write_object_checkpoint
    from googlenet.weights.tutorial import tutorial_tensors

    if model.spec.variant.startswith("tutorial"):
        write_object_checkpoint(path, tutorial_tensors(model.spec, model.tensors))
    else:
        write_named_checkpoint(path, slim_tensors(model.spec, model.tensors))


def _write_onnx(path: Path, model: SealedModel) -> None:
    from googlenet.network.onnx_net import LOGITS, onnx_bytes

    heads = [name for head, name in OUTPUTS.items() if head != "main"] if model.spec.aux_heads else []
    atomic_write(path, [onnx_bytes(model.spec, model.tensors, outputs=(LOGITS, *heads))])


_WRITERS: dict[str, Callable[[Path, SealedModel], None]] = {
    ".caffemodel": _write_caffe,
    ".pth": _write_torch,
    ".keras": _write_keras,
    ".ckpt": _write_tensorflow,
    ".onnx": _write_onnx,
}
