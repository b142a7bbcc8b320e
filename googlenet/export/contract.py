"""The export contract: what goes in, what comes out, and golden probes by which anyone can check their own code.

``contract.json`` in the export's folder; docs/export.md says what every key means.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from googlenet.errors import ModelFileError
from googlenet.export.stages import Layout, Stage, Summary
from googlenet.settings import ExportPrecision, ExportTarget
from googlenet.weights.calibration import CALIBRATION_FILE, calibration_from_bytes
from googlenet.weights.model_file import Document, SealedModel

FORMAT = 1
"""The version of ``contract.json``; a reader refuses those that it does not know."""

CONTRACT, PROBES = "contract.json", "probes"

_MAX_CONTRACT_BYTES = 16 << 20
_REMEDY = "export the model again, or fetch the whole folder again"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Input(_Part):
    """What the exported network takes. A word in ``shape`` is an axis of any length."""

    name: str
    dtype: Literal["float32", "uint8"]
    layout: Layout
    shape: tuple[int | str, ...]


class Tolerance(_Part):
    """How far a right consumer may be off. ``pixels``: levels of 0–255, of a cell's mean or deviation after a JPEG
    decoder or a resize of one's own. ``logits``: fraction of the largest logit, for the same input. ``loose_logits``:
    the same fraction where the pixels differ within their tolerance.
    """

    pixels: float
    logits: float
    loose_logits: float


class Probe(_Part):
    """One golden image: the file's digest, a summary of each step that the consumer has to do, and the logits."""

    sha256: str
    stages: dict[Stage, Summary]
    logits: tuple[float, ...]


class Contract(Document):
    """The sealed model's document (classes, preprocessing, calibration, record, network) and the export around it."""

    googlenet: str  # the version that wrote it
    target: ExportTarget
    precision: ExportPrecision
    model: str  # file or folder beside contract.json
    sha256: dict[str, str]  # of every file of the model, by its path in the export
    opset: int | None
    input: Input
    output: str
    steps_in_graph: tuple[Stage, ...]  # those that the model does itself
    tolerance: Tolerance
    probes: dict[str, Probe] = Field(min_length=1)

    @property
    def largest_logit(self) -> float:
        """The greatest absolute logit of all probes."""
        return max(abs(value) for probe in self.probes.values() for value in probe.logits)


@dataclass(frozen=True)
class Export:
    """An export on disk, its contract read."""

    folder: Path
    contract: Contract

    @property
    def model_path(self) -> Path:
        """Where the model lies."""
        return self.folder / self.contract.model

    def probes(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of each golden image; raises ``ModelFileError`` where one is absent or changed."""
        for name, probe in self.contract.probes.items():
            content = _read(self.folder / PROBES / name)
            if hashlib.sha256(content).hexdigest() != probe.sha256:
                raise ModelFileError(f"{self.folder / PROBES / name}: has changed since the export; {_REMEDY}")
            yield name, content

    def sealed(self) -> SealedModel:
        """All that the sealed model said, without its weights."""
        contract, facts = self.contract, self.contract.calibration
        file = self.folder / CALIBRATION_FILE
        return SealedModel(
            contract.spec,
            contract.classes,
            contract.preprocessing,
            {},
            contract.record,
            calibration_from_bytes(file, _read(file), facts) if facts else None,
            self.folder,
        )


def is_export(path: Path) -> bool:
    """Whether ``path`` is a folder with a contract in it."""
    return (path / CONTRACT).is_file()


def read_export(folder: Path) -> Export:
    """The export in ``folder``: contract and digests checked, the model itself not opened.

    Raises ``ModelFileError`` saying what is wrong; a path that leads out of the folder is refused.
    """
    path = folder / CONTRACT
    if not folder.is_dir():
        raise ModelFileError(f"{folder}: is no folder; give one that googlenet export wrote")
    if not path.is_file():
        raise ModelFileError(f"{folder}: has no {CONTRACT}; give a folder that googlenet export wrote")
    if path.stat().st_size > _MAX_CONTRACT_BYTES:
        raise ModelFileError(f"{path}: is larger than {_MAX_CONTRACT_BYTES >> 20} MiB; no contract is; {_REMEDY}")
    contract = parse_contract(path, _read(path))
    if contract.model not in {name.split("/")[0] for name in contract.sha256}:
        raise ModelFileError(f"{path}: names the model {contract.model!r} without its digest; {_REMEDY}")
    for name, digest in contract.sha256.items():
        if file_digest(_inside(folder, name)) != digest:
            raise ModelFileError(f"{folder / name}: has changed since the export (its sha256 differs); {_REMEDY}")
    for name in contract.probes:
        _inside(folder / PROBES, name)
    return Export(folder, contract)


def parse_contract(path: Path, content: bytes) -> Contract:
    """The contract in the bytes of ``path``; raises ``ModelFileError``."""
    try:
        version = json.loads(content)["format"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelFileError(f"{path}: is no JSON document with a format version; {_REMEDY}") from error
    if version != FORMAT:
        raise ModelFileError(f"{path}: is of format {version!r}, this googlenet knows {FORMAT}; install a newer one")
    try:
        contract = Contract.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelFileError(f"{path}: is not right at {where!r}: {first['msg']}; {_REMEDY}") from error
    counts = {contract.spec.classes, len(contract.classes), *(len(p.logits) for p in contract.probes.values())}
    if len(counts) > 1:
        raise ModelFileError(f"{path}: has {sorted(counts)} classes in its parts; {_REMEDY}")
    return contract


def file_digest(path: Path) -> str:
    """sha256 of a file; raises ``ModelFileError`` where it cannot be read."""
    return hashlib.sha256(_read(path)).hexdigest()


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ModelFileError(f"{folder}: its contract names {name!r}, which lies outside of it; do not use this export")
    return path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}); {_REMEDY}") from error
