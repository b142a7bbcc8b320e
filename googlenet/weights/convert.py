"""Foreign checkpoints to sealed models."""

from __future__ import annotations

import hashlib
from pathlib import Path

from googlenet.data.classes import ClassName
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import ModelFileError
from googlenet.weights.caffe import read_caffemodel, spec_of
from googlenet.weights.file_kind import FileKind, kind_of
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


def convert(source: Path, *, labels: Path | None = None) -> SealedModel:
    """The sealed model of a foreign checkpoint, which its content tells apart, not its extension.

    Args:
        source: A ``.caffemodel`` of the paper's network, with or without the auxiliary heads.
        labels: A text file with one class per line, in order: ``n01440764 tench, Tinca tinca`` (id, space, name) or
            the name alone. Without it the classes are called ``class_0``, ``class_1`` …

    Raises:
        ModelFileError: The file cannot be read, is of another kind or another network, or the labels do not fit.
    """
    kind = kind_of(source)
    if kind is FileKind.SAFETENSORS:
        read_model(source)
        raise ModelFileError(f"{source}: is a sealed model already; use it as it is")
    # A file so damaged that its content says nothing still gets the message about what is wrong in it.
    if kind is not FileKind.CAFFE and not (kind is FileKind.UNKNOWN and source.suffix == ".caffemodel"):
        raise ModelFileError(f"{source}: is {kind.value}; convert reads Caffe's .caffemodel files")
    tensors = read_caffemodel(source)
    spec = spec_of(source, tensors)
    classes = read_labels(labels, spec.classes) if labels else _numbered(spec.classes)
    record = {"converted_from": source.name, "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest()}
    return SealedModel(spec, classes, CAFFE_PREPROCESSING, tensors, record)


def open_model(path: Path) -> SealedModel:
    """The model of a sealed file, or of a foreign checkpoint converted on the way; raises ``ModelFileError``."""
    return read_model(path) if kind_of(path) is FileKind.SAFETENSORS else convert(path)


def save_new(model: SealedModel, path: Path, *, overwrite: bool = False) -> None:
    """Save to ``path``; raises ``ModelFileError`` when a file is there already and ``overwrite`` is not set."""
    if path.exists() and not overwrite:
        raise ModelFileError(f"{path}: exists already; give another path, or --overwrite to replace it")
    model.save(path)


def read_labels(path: Path, count: int) -> tuple[ClassName, ...]:
    """The ``count`` classes in a text file, one a line; raises ``ModelFileError`` when they are not that many."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ModelFileError(f"{path}: the labels cannot be read ({reason}); give a text file of one a line") from error
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) != count:
        raise ModelFileError(
            f"{path}: has {len(lines)} labels for a network of {count} classes; give one line per class, in order"
        )
    classes = tuple(_class_name(line) for line in lines)
    if len({name.id for name in classes}) != count:
        raise ModelFileError(f"{path}: has the same label twice; give every class its own")
    return classes


def _class_name(line: str) -> ClassName:
    first, _, rest = line.partition(" ")
    is_synset = len(first) == 9 and first[0] == "n" and first[1:].isdigit()
    return ClassName(first, rest.strip() or first) if is_synset else ClassName(line, line)


def _numbered(count: int) -> tuple[ClassName, ...]:
    return tuple(ClassName(f"class_{i}", f"class_{i}") for i in range(count))
