"""Keras' ``.keras`` files: a zip of ``config.json``, which says what to build, and the weights as HDF5.

The config can name any class and, in a Lambda layer, hold code. So it is read here, as JSON, before Keras sees the
file, and refused unless it is that of one network of ours; that is then built by us, and only weights are loaded into
it. A file that ``convert`` wrote holds ``googlenet.json`` too: the classes, the preprocessing and the record.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import ModelFileError
from googlenet.saving import atomic_write
from googlenet.spec import Spec
from googlenet.weights.calibration import CALIBRATION_FILE, Calibration, calibration_from_bytes
from googlenet.weights.foreign import Foreign
from googlenet.weights.model_file import Document, SealedModel, document_of, read_document

_CONFIG, _WEIGHTS, _DOCUMENT = "config.json", "model.weights.h5", "googlenet.json"
_OURS = "GoogLeNet"
_MAX_JSON_BYTES = 16 << 20
_MAX_COPIES = 4  # of the weights: their own, and what an optimiser keeps of each
_UNSAID = "no classes and no preprocessing in the file: numbers are taken, and what the variant usually wants"
_REMEDY = "fetch or save the file again"


def write_keras_file(path: Path, model: SealedModel) -> None:
    """Write the network and all that is known of it to ``path``; raises ``MissingExtraError`` without Keras."""
    from googlenet.network.keras_net import build, load_canonical

    needs_size = model.spec.aux_heads and not model.spec.aux.adaptive
    net = build(model.spec, input_size=224 if needs_size else None, dtype="float32")
    load_canonical(net, model.spec, model.tensors)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        net.save(file)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(_DOCUMENT, document_of(model))
            if model.calibration:
                archive.writestr(CALIBRATION_FILE, model.calibration.to_bytes())
        atomic_write(path, [file.read_bytes()])


def read_keras_file(path: Path) -> Foreign:
    """The weights in a ``.keras`` file that ``convert`` or the ``save`` of ``googlenet.keras``'s model wrote.

    Raises ``ModelFileError`` where it holds anything else, before Keras opens it, and ``MissingExtraError`` without
    Keras. Nothing from the file is ever run.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            network = _network(path, _json(path, archive, _CONFIG))
            document = _text(path, archive, _DOCUMENT) if _DOCUMENT in archive.namelist() else None
            return _read(path, archive, network, document)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError) as error:
        raise ModelFileError(f"{path}: is damaged or cut short ({error}); {_REMEDY}") from error


def _network(path: Path, config: Any) -> Any:
    """What the config says of the network. It must be one of ours, whole, and have nothing beside it."""
    if foreign := [name for name in _classes(config.get("config")) if name != _OURS]:
        code = ", which runs code from the file" if "Lambda" in foreign else ""
        name = "Lambda" if code else foreign[0]
        raise ModelFileError(f"{path}: has a {name} in it{code}; convert reads only what googlenet.keras built")
    if config.get("class_name") != _OURS:
        raise ModelFileError(
            f"{path}: is a {config.get('class_name')!r} model; convert reads only what googlenet.keras built and saved"
        )
    return config["config"]


def _classes(part: Any) -> Iterator[str]:
    """The name of every class that Keras would make of ``part``."""
    if isinstance(part, Mapping):
        if isinstance(name := part.get("class_name"), str):
            yield name
        part = list(part.values())
    if isinstance(part, list):
        for value in part:
            yield from _classes(value)


def _json(path: Path, archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    try:
        found = json.loads(_text(path, archive, name))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: its {name} is no JSON ({error}); {_REMEDY}") from error
    if not isinstance(found, dict):
        raise ModelFileError(f"{path}: its {name} is no JSON object; {_REMEDY}")
    return found


def _text(path: Path, archive: zipfile.ZipFile, name: str) -> str:
    if archive.getinfo(name).file_size > _MAX_JSON_BYTES:
        raise ModelFileError(f"{path}: its {name} is larger than 16 MiB, far more than a model's; {_REMEDY}")
    return archive.read(name).decode()


def _read(path: Path, archive: zipfile.ZipFile, network: Any, document: str | None) -> Foreign:
    from googlenet.network.keras_net import read_config

    try:
        spec = read_config(network).spec
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}; {_REMEDY}") from error
    _check_size(path, archive.getinfo(_WEIGHTS).file_size, spec)
    tensors = _weights(path, archive, network, spec)
    transformed = (f"{sum(tensor.ndim > 1 for tensor in tensors.values())} tensors: Keras' layout -> canonical",)
    if document is None:
        return Foreign(spec, tensors, transformed, (_UNSAID,))
    known = read_document(path, document)
    if known.spec != spec:
        raise ModelFileError(f"{path}: its {_DOCUMENT} is of another network than its {_CONFIG}; {_REMEDY}")
    calibration = _calibration(path, archive, known)
    return Foreign(spec, tensors, transformed, (), known.record, known.classes, known.preprocessing, calibration)


def _calibration(path: Path, archive: zipfile.ZipFile, known: Document) -> Calibration | None:
    if known.calibration is None:
        return None
    wanted = 4 * sum(prod(shape) for shape in known.calibration.tensors.values())
    if not wanted <= archive.getinfo(CALIBRATION_FILE).file_size <= wanted + _MAX_JSON_BYTES:
        raise ModelFileError(f"{path}: its {CALIBRATION_FILE} is not of the size that its {_DOCUMENT} says; {_REMEDY}")
    return calibration_from_bytes(path, archive.read(CALIBRATION_FILE), known.calibration)


def _check_size(path: Path, size: int, spec: Spec) -> None:
    """Nothing is allocated that the file does not hold, nor anything unpacked that the network does not want."""
    wanted = 4 * sum(prod(shape) for shape in spec.tensors.values())
    if not wanted <= size <= _MAX_COPIES * wanted + _MAX_JSON_BYTES:
        raise ModelFileError(f"{path}: holds {size} bytes of weights, its network has {wanted}; {_REMEDY}")


def _weights(path: Path, archive: zipfile.ZipFile, network: Any, spec: Spec) -> dict[str, NDArray[np.float32]]:
    from googlenet.network.keras_net import GoogLeNet, canonical

    net = GoogLeNet.from_config(network)
    with TemporaryDirectory() as folder:
        try:
            net.load_weights(archive.extract(_WEIGHTS, folder))
        except Exception as error:  # h5py and Keras raise many kinds
            reason = " ".join(str(error).split())[:200]
            raise ModelFileError(f"{path}: its weights cannot be read ({reason}); {_REMEDY}") from error
    return canonical(net, spec)
