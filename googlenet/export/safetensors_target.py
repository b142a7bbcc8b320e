"""The sealed model itself, with a contract around it: nothing is converted."""

from __future__ import annotations

from pathlib import Path

from googlenet.engines import open_engine
from googlenet.export.artifact import Artifact, Run
from googlenet.export.contract import Export, Input
from googlenet.export.int8 import Int8Data
from googlenet.network.onnx_net import LOGITS
from googlenet.settings import ExportSettings
from googlenet.spec import INPUT
from googlenet.weights.model_file import SealedModel, read_model

FILE = "model.safetensors"


def write(model: SealedModel, folder: Path, settings: ExportSettings, data: Int8Data | None = None) -> Artifact:
    """Write ``model.safetensors`` into ``folder``."""
    model.save(folder / FILE)
    size = model.preprocessing.crop_size
    shape = (settings.batch or "batch", 3, size, size)
    return Artifact(FILE, Input(name=INPUT, dtype="float32", layout="NCHW", shape=shape), LOGITS)


def open_sealed(export: Export, threads: int) -> Run:
    """The sealed model on the default engine."""
    return open_engine(read_model(export.model_path), threads=threads).logits
