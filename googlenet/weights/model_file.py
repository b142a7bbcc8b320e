"""The sealed model: one ``.safetensors`` file that holds all that a prediction needs.

Its metadata has two entries: ``googlenet``, a JSON document (format version, spec, classes, preprocessing, calibration,
record), and ``sha256``, the digest of that document and of every tensor. Any reader of safetensors can open it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from googlenet.data.classes import ClassName
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import GoogLeNetError, ModelFileError
from googlenet.saving import atomic_write
from googlenet.spec import Spec
from googlenet.weights.calibration import Calibration, CalibrationFacts
from googlenet.weights.file_kind import FileKind, kind_of
from googlenet.weights.matching import check_shapes

FORMAT = 2
"""The version of the JSON document; a reader refuses those that it does not know. 1 had no calibration."""

_DOCUMENT_KEY, _DIGEST_KEY = "googlenet", "sha256"
_MAX_HEADER_BYTES = 16 << 20  # names and metadata; 1000 classes take 0.1 MB
_REMEDY = "fetch or save the file again"
_DEFECT = "this is a defect"

Tensors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class SealedModel:
    """A network with its weights and everything around it.

    ``tensors`` are exactly those of ``spec``, float32 and finite. ``record`` says how the model was made (data
    fingerprint, recipe, seed, versions, metrics), as JSON values. ``path`` is the file that it was read from.
    """

    spec: Spec
    classes: tuple[ClassName, ...]
    preprocessing: Preprocessing
    tensors: Tensors
    record: Mapping[str, Any]
    calibration: Calibration | None = None
    path: Path | None = field(default=None, compare=False)

    @property
    def temperature(self) -> float:
        """What logits are divided by before the softmax; 1 without a calibration."""
        return self.calibration.facts.temperature if self.calibration else 1.0

    def save(self, path: Path) -> None:
        """Write the model to ``path``, atomically: at every instant the old or the new file is whole.

        Raises ``ModelFileError`` when the model contradicts itself, holds a value that is no number, or cannot be
        written; a file that was there is then untouched.
        """
        _check_classes(path, self.spec, self.classes)
        tensors = {**self.tensors, **(self.calibration.tensors if self.calibration else {})}
        beside = self.calibration.facts.tensors if self.calibration else {}
        check_shapes(path, {name: tensor.shape for name, tensor in tensors.items()}, self.spec, _DEFECT, beside)
        _check_finite(path, tensors)
        document = document_of(self)
        tensors = {name: np.ascontiguousarray(tensors[name], np.float32) for name in (*self.spec.tensors, *beside)}
        metadata = {_DOCUMENT_KEY: document, _DIGEST_KEY: _digest(document, tensors)}
        atomic_write(path, [save(tensors, metadata)])


def document_of(model: SealedModel) -> str:
    """All of a model but its weights, as JSON: what ``read_document`` reads."""
    return Document(
        format=FORMAT if model.calibration else 1,  # so that older versions read all that they understand
        spec=model.spec,
        classes=model.classes,
        preprocessing=model.preprocessing,
        calibration=model.calibration.facts if model.calibration else None,
        record=dict(model.record),
    ).model_dump_json()


def read_model(path: Path) -> SealedModel:
    """The sealed model in the file ``path``, wholly checked: layout, spec, shapes, digest, finite values.

    Raises ``ModelFileError`` naming the file, what is wrong and what to do; never runs code from the file, and
    allocates nothing that the file's own size does not warrant.
    """
    _check_kind(path)
    _check_header(path)
    try:
        with safe_open(path, framework="numpy") as file:
            text, digest = _read_metadata(path, file.metadata())
            document = read_document(path, text)
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            shapes = {name: tuple(part.get_shape()) for name, part in slices.items()}
            beside = document.calibration.tensors if document.calibration else {}
            check_shapes(path, shapes, document.spec, _REMEDY, beside)
            for name, part in slices.items():
                if part.get_dtype() != "F32":
                    raise ModelFileError(f"{path}: {name} is of type {part.get_dtype()}, not F32; {_REMEDY}")
            tensors = {name: file.get_tensor(name) for name in shapes}
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path}: is damaged or cut short ({error}); {_REMEDY}") from error
    if _digest(text, tensors) != digest:
        raise ModelFileError(f"{path}: has changed since it was saved (its sha256 does not match); {_REMEDY}")
    _check_finite(path, tensors)
    facts = document.calibration
    return SealedModel(
        document.spec,
        document.classes,
        document.preprocessing,
        {name: tensors[name] for name in document.spec.tensors},
        document.record,
        Calibration(facts, {name: tensors[name] for name in facts.tensors}) if facts else None,
        path,
    )


class Document(BaseModel):
    """The JSON in the metadata. Strict: an unknown key or another type is refused, in the spec's parts too."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    format: int
    spec: Spec
    classes: tuple[ClassName, ...]
    preprocessing: Preprocessing
    calibration: CalibrationFacts | None
    record: dict[str, Any]


def _check_kind(path: Path) -> None:
    kind = kind_of(path)
    if kind is FileKind.SAFETENSORS:
        return
    if kind is FileKind.CAFFE:
        remedy = f"convert it with: googlenet convert {path} model.safetensors"
    elif kind in (FileKind.EMPTY, FileKind.UNKNOWN):
        remedy = "give a .safetensors file that googlenet train or googlenet convert wrote"
    else:
        remedy = "googlenet convert reads none of these; give a .safetensors or a .caffemodel file"
    raise ModelFileError(f"{path}: is {kind.value}, not a sealed model; {remedy}")


def _check_header(path: Path) -> None:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _MAX_HEADER_BYTES:
            raise ModelFileError(f"{path}: declares a header of {length} bytes, a model's is below 16 MiB; {_REMEDY}")
        header = file.read(length)
    # The digest covers what the header says, not its padding; safetensors pads with spaces after the last brace.
    if len(header) < length or not header.rstrip(b" ").endswith(b"}"):
        raise ModelFileError(f"{path}: is cut short or damaged in its header; {_REMEDY}")


def _read_metadata(path: Path, metadata: Mapping[str, str] | None) -> tuple[str, str]:
    if not metadata or _DOCUMENT_KEY not in metadata:
        raise ModelFileError(
            f"{path}: is a safetensors file without a sealed model's metadata; "
            "give one that googlenet train or googlenet convert wrote"
        )
    if set(metadata) != {_DOCUMENT_KEY, _DIGEST_KEY}:
        raise ModelFileError(f"{path}: has the metadata {sorted(metadata)}, not only googlenet and sha256; {_REMEDY}")
    return metadata[_DOCUMENT_KEY], metadata[_DIGEST_KEY]


def read_document(path: Path, text: str) -> Document:
    """The JSON document of the file ``path``, checked; raises ``ModelFileError``."""
    try:
        version = json.loads(text)["format"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelFileError(f"{path}: its metadata is no JSON document with a format version; {_REMEDY}") from error
    if version not in range(1, FORMAT + 1):
        raise ModelFileError(
            f"{path}: is of format version {version!r}, this googlenet knows 1 to {FORMAT}; install a newer googlenet"
        )
    try:
        document = Document.model_validate_json(text)
        _ = document.spec.tensors
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelFileError(f"{path}: its metadata is not right at {where!r}: {first['msg']}; {_REMEDY}") from error
    except (GoogLeNetError, ArithmeticError, ValueError) as error:
        raise ModelFileError(f"{path}: its metadata describes no network ({error}); {_REMEDY}") from error
    _check_classes(path, document.spec, document.classes)
    return document


def _check_classes(path: Path, spec: Spec, classes: tuple[ClassName, ...]) -> None:
    if len(classes) != spec.classes:
        raise ModelFileError(f"{path}: names {len(classes)} classes for a network of {spec.classes}; {_REMEDY}")
    seen: set[str] = set()
    for name in classes:
        if name.id in seen:
            raise ModelFileError(f"{path}: two of its classes have the id {name.id!r}; {_REMEDY}")
        seen.add(name.id)


def _check_finite(path: Path, tensors: Tensors) -> None:
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ModelFileError(
                f"{path}: {name} holds a value that is no finite number; train again with a smaller rate or fetch "
                "another file"
            )


def _digest(document: str, tensors: Tensors) -> str:
    """sha256 over the document and, by name, each tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(document.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0F32\0{tensor.shape}\0{prod(tensor.shape)}\0".encode())
        digest.update(np.ascontiguousarray(tensor).data.cast("B"))
    return digest.hexdigest()
