"""ONNX: written from spec and weights, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from googlenet.engines.onnxruntime_engine import session_options
from googlenet.errors import ModelFileError
from googlenet.export.artifact import Artifact, Run
from googlenet.export.contract import Export, Input
from googlenet.export.int8 import Int8Data
from googlenet.export.onnx_check import check_onnx
from googlenet.export.onnx_pixels import PIXELS, check_pixels, write_pixels
from googlenet.network.onnx_graph import OPSET
from googlenet.network.onnx_net import LOGITS, Prologue, onnx_bytes
from googlenet.saving import atomic_write
from googlenet.settings import ExportSettings
from googlenet.spec import INPUT
from googlenet.weights.model_file import SealedModel, document_of, read_document

FILE = "model.onnx"
METADATA = "googlenet"
"""The key of the file's metadata under which the sealed model's document stands."""


def write(model: SealedModel, folder: Path, settings: ExportSettings, data: Int8Data | None = None) -> Artifact:
    """Write ``model.onnx`` into ``folder``; in 8 bits where there are images to calibrate on."""
    shape, prologue = input_shape(model, settings), None
    taken = Input(name=INPUT, dtype="float32", layout="NCHW", shape=shape)
    if settings.with_preprocessing:
        rule = model.preprocessing
        check_pixels(rule)
        prologue = Prologue(PIXELS, (shape[0], "height", "width", 3), lambda graph: write_pixels(graph, rule))
        taken = Input(name=PIXELS, dtype="uint8", layout="NHWC", shape=prologue.shape)
    content = onnx_bytes(
        model.spec,
        model.tensors,
        input_shape=shape,
        metadata={METADATA: document_of(model)},
        half=settings.precision == "fp16",
        prologue=prologue,
    )
    if data is not None:
        from googlenet.export.onnx_int8 import quantised

        content = quantised(content, data.calibration_batches(settings.batch or 1), data.float_layers)
    atomic_write(folder / FILE, [content])
    return Artifact(FILE, taken, LOGITS, OPSET)


def input_shape(model: SealedModel, settings: ExportSettings) -> tuple[int | str, int, int, int]:
    """(batch, 3, height, width), the batch «batch» where it is free."""
    size = model.preprocessing.crop_size
    return settings.batch or "batch", 3, size, size


def open_onnx(export: Export, threads: int) -> Run:
    """The export's network on onnxruntime; raises ``ModelFileError`` for a file that is refused or will not open."""
    path = export.model_path
    content = check_onnx(path)
    try:
        session = onnxruntime.InferenceSession(content, session_options(threads), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own kinds, which are no common one
        reason = " ".join(str(error).split())[:300]
        raise ModelFileError(f"{path}: onnxruntime cannot open it ({reason}); export it again") from error
    _check_ends(path, session, export)
    _check_metadata(path, session, export)
    name, output = export.contract.input.name, export.contract.output

    def run(images: NDArray[Any]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run([output], {name: images})[0]
        return logits

    return run


def _check_ends(path: Path, session: onnxruntime.InferenceSession, export: Export) -> None:
    contract = export.contract
    for kind, values, name in (
        ("input", session.get_inputs(), contract.input.name),
        ("output", session.get_outputs(), contract.output),
    ):
        found = [value.name for value in values]
        if found != [name]:
            raise ModelFileError(f"{path}: has the {kind}s {found}, its contract says {name!r}; export it again")
    shape = tuple(session.get_inputs()[0].shape)
    if shape != contract.input.shape:
        raise ModelFileError(
            f"{path}: takes {shape}, its contract says {contract.input.shape}; they are not of one export, "
            "export it again"
        )
    classes = session.get_outputs()[0].shape[-1]
    if isinstance(classes, int) and classes != len(contract.classes):
        raise ModelFileError(
            f"{path}: gives {classes} values, its contract names {len(contract.classes)} classes; export it again"
        )


def _check_metadata(path: Path, session: onnxruntime.InferenceSession, export: Export) -> None:
    """What the model says of itself is what its contract says, where it says anything."""
    text = session.get_modelmeta().custom_metadata_map.get(METADATA)
    if text is None:
        return
    document = read_document(path, text)
    for name in ("classes", "preprocessing"):
        if getattr(document, name) != getattr(export.contract, name):
            raise ModelFileError(
                f"{path}: was made with other {name} than its contract says; they are not of one export, "
                "export it again"
            )
