"""A sealed model -> a folder for another runtime: the model, its contract, golden probes, examples, all checked."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet import __version__
from googlenet.data.index import Dataset
from googlenet.engines import open_engine
from googlenet.errors import ModelFileError, SettingsError
from googlenet.export.artifact import Artifact
from googlenet.export.contract import CONTRACT, FORMAT, PROBES, Contract, Export, Probe, Tolerance, file_digest
from googlenet.export.examples.copying import example_files
from googlenet.export.int8 import (
    Int8Data,
    Measured,
    Progress,
    TooMuchLostError,
    check_drop,
    float_choices,
    rows_as_json,
)
from googlenet.export.probes import make_probes
from googlenet.export.readme import readme
from googlenet.export.stages import Array, Stage, pipeline, summarise
from googlenet.export.targets import ExportEngine, open_export, write_target
from googlenet.saving import atomic_write
from googlenet.settings import ExportPrecision, ExportSettings
from googlenet.weights.calibration import CALIBRATION_FILE
from googlenet.weights.model_file import SealedModel

TOLERANCES: Mapping[ExportPrecision, float] = {"fp32": 1e-4, "fp16": 1e-2, "int8": 0.05}
"""How far an export's logits may be from its contract's: fraction of the largest logit of all probes.

The contract's are the sealed model's; those of int8 its own, for images such as the probes are nothing that it was
calibrated for: its worth is judged by photographs.
"""

_PIXELS = 1.0  # levels: decoders of JPEG differ by one, so do roundings in a resize
_LOOSE = 0.02
_RESIZED_ELSEWHERE = 0.02  # fraction of the largest logit: the operator Resize is not Pillow to the last pixel


@dataclass(frozen=True)
class Exported:
    """An export that was written and passed its own contract."""

    export: Export
    difference: float  # of its logits from the sealed model's, fraction of the largest
    bytes: int  # of the model alone
    table: tuple[Measured, ...] = ()  # fp32 and int8 beside each other
    float_layers: tuple[str, ...] = ()  # of int8: how the names of the layers begin that stayed in float

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet export --json`` prints (docs/cli.md)."""
        contract = self.export.contract
        return {
            "export": str(self.export.folder),
            "target": contract.target,
            "precision": contract.precision,
            "model": str(self.export.model_path),
            "bytes": self.bytes,
            "logit_difference": self.difference,
            "table": rows_as_json(self.table),
            "float_layers": list(self.float_layers),
        }


def export_model(
    model: SealedModel,
    folder: Path,
    settings: ExportSettings,
    dataset: Dataset | None = None,
    *,
    progress: Progress = lambda done, total: None,
) -> Exported:
    """Write ``model`` into the new folder ``folder`` and run its golden probes through the result.

    ``dataset``: for int8, the data that the model was trained on; training images calibrate, validation images judge;
    where too much is lost, once more with the last modules in float.
    The folder appears whole or not at all. Raises ``ModelFileError`` where it exists already, where the export does
    not answer as the sealed model does or int8 loses too much; ``MissingExtraError`` where a target's tools are not
    installed; ``SettingsError`` for int8 without data, ``DataError`` where it lacks images.
    """
    if (settings.precision == "int8") != (dataset is not None):
        raise SettingsError("--int8 and --calibrate go together; give the data set that the model was trained on, too")
    if folder.exists():
        raise ModelFileError(f"{folder}: exists already; give a new folder, or remove it first")
    if dataset is None:
        return _export(model, folder, settings, None, progress)
    first, more = (Int8Data(dataset, model, layers) for layers in float_choices(model.spec))
    try:
        return _export(model, folder, settings, first, progress)
    except TooMuchLostError:
        return _export(model, folder, settings, more, progress)


def _export(
    model: SealedModel, folder: Path, settings: ExportSettings, data: Int8Data | None, progress: Progress
) -> Exported:
    with _beside(folder) as work:
        artifact = write_target(model, work, settings, data)
        content = make_probes(model.preprocessing)
        contract, reference = _contract(model, artifact, settings, content, work)
        _write_probes(work, content)
        export = _write_contract(work, contract)
        size = sum((work / name).stat().st_size for name in contract.sha256)
        engine = open_export(export)
        logits = probe_logits(export, engine)
        difference = float(np.abs(logits - reference).max() / contract.largest_logit)
        table: list[Measured] = []
        if data is not None:
            table = data.compare(open_engine(model), engine, (_bytes(model), size), progress)
            check_drop(table, settings.max_drop)
            contract = _with_logits(contract, logits)
            _write_contract(work, contract)
        elif not difference <= contract.tolerance.logits:
            raise ModelFileError(
                f"{folder}: the logits of the {settings.to} {settings.precision} export differ by {difference:.1e} of "
                f"the largest, {contract.tolerance.logits:.0e} is allowed; nothing was written, take another --to"
            )
        for name, text in {**example_files(contract), "README.md": readme(contract, folder.name)}.items():
            atomic_write(work / name, [text.encode()])
    return Exported(Export(folder, contract), difference, size, tuple(table), data.float_layers if data else ())


def probe_logits(export: Export, engine: ExportEngine) -> NDArray[np.float32]:
    """What the export answers to its probes, (probes, classes), each prepared here; in batches of one where the model
    does the resizing itself, for then the probes are of many sizes.
    """
    contract = export.contract
    steps = pipeline(contract.preprocessing, contract.input.layout)
    wanted: Stage = "orient" if contract.input.dtype == "uint8" else "normalise"
    images = [steps.run(content)[wanted] for _, content in export.probes()]
    if contract.input.dtype == "uint8":
        return np.concatenate([engine.raw(image[None]) for image in images])
    return engine.raw(np.stack(images))


def _contract(
    model: SealedModel, artifact: Artifact, settings: ExportSettings, content: Mapping[str, bytes], work: Path
) -> tuple[Contract, NDArray[np.float32]]:
    """The contract, and the sealed model's own logits of the probes, which it holds."""
    steps = pipeline(model.preprocessing, artifact.input.layout)
    arrays = {name: steps.run(probe) for name, probe in content.items()}
    reference = _reference(model, [steps["normalise"] for steps in arrays.values()], artifact)
    in_graph: tuple[Stage, ...] = ("resize", "crop", "normalise") if settings.with_preprocessing else ()
    allowed = max(TOLERANCES[settings.precision], _RESIZED_ELSEWHERE if settings.with_preprocessing else 0)
    probes = {
        name: Probe(
            sha256=hashlib.sha256(content[name]).hexdigest(),
            stages={stage: summarise(array) for stage, array in arrays[name].items() if stage not in in_graph},
            logits=tuple(float(value) for value in row),
        )
        for name, row in zip(arrays, reference, strict=True)
    }
    contract = Contract(
        format=FORMAT,
        spec=model.spec,
        classes=model.classes,
        preprocessing=model.preprocessing,
        calibration=model.calibration.without_features().facts if model.calibration else None,
        record=dict(model.record),
        googlenet=__version__,
        target=settings.to,
        precision=settings.precision,
        model=artifact.model,
        sha256={part.relative_to(work).as_posix(): file_digest(part) for part in _files(work)}
        | _write_calibration(work, model),
        opset=artifact.opset,
        input=artifact.input,
        output=artifact.output,
        steps_in_graph=in_graph,
        tolerance=Tolerance(pixels=_PIXELS, logits=allowed, loose_logits=_LOOSE),
        probes=probes,
    )
    return contract, reference


def _reference(model: SealedModel, images: list[Array], artifact: Artifact) -> NDArray[np.float32]:
    batch = np.stack(images)
    return open_engine(model).logits(batch if artifact.input.layout == "NCHW" else batch.transpose(0, 3, 1, 2).copy())


def _bytes(model: SealedModel) -> int:
    return sum(tensor.nbytes for name, tensor in model.tensors.items() if not name.startswith(("loss1/", "loss2/")))


def _with_logits(contract: Contract, logits: NDArray[np.float32]) -> Contract:
    rows = zip(contract.probes.items(), logits.tolist(), strict=True)
    probes = {name: probe.model_copy(update={"logits": tuple(row)}) for (name, probe), row in rows}
    return contract.model_copy(update={"probes": probes})


def _files(work: Path) -> list[Path]:
    """What the target's writer left there: the model."""
    return sorted(part for part in work.rglob("*") if part.is_file())


def _write_calibration(work: Path, model: SealedModel) -> dict[str, str]:
    """What of the calibration is too long for the contract, beside it; returns its digest by name."""
    if model.calibration is None:
        return {}
    atomic_write(work / CALIBRATION_FILE, [model.calibration.without_features().to_bytes()])
    return {CALIBRATION_FILE: file_digest(work / CALIBRATION_FILE)}


def _write_probes(work: Path, content: Mapping[str, bytes]) -> None:
    (work / PROBES).mkdir()
    for name, probe in content.items():
        atomic_write(work / PROBES / name, [probe])


def _write_contract(work: Path, contract: Contract) -> Export:
    atomic_write(work / CONTRACT, [contract.model_dump_json(indent=None).encode()])
    return Export(work, contract)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder to work in, which becomes ``folder`` in the end, or is removed where anything goes wrong."""
    work = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}.partial")
    try:
        work.mkdir(parents=True)
        yield work
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
