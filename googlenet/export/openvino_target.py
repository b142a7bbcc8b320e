"""OpenVINO: converted from our own ONNX graph, run by OpenVINO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from googlenet.engines.openvino_engine import compile_network
from googlenet.errors import MissingExtraError, ModelFileError
from googlenet.export.artifact import Artifact, Run
from googlenet.export.contract import Export, Input
from googlenet.export.int8 import Int8Data
from googlenet.export.onnx_target import input_shape
from googlenet.network.onnx_net import LOGITS, onnx_bytes
from googlenet.settings import ExportSettings
from googlenet.spec import INPUT
from googlenet.weights.model_file import SealedModel

FILE = "model.xml"
"""Its weights lie beside it, in ``model.bin``."""


def write(model: SealedModel, folder: Path, settings: ExportSettings, data: Int8Data | None = None) -> Artifact:
    """Write ``model.xml`` and ``model.bin`` into ``folder``; in 8 bits where there are images to calibrate on.

    Raises ``MissingExtraError`` where NNCF is needed and not installed.
    """
    shape = input_shape(model, settings)
    content = onnx_bytes(model.spec, model.tensors, input_shape=shape, lrn_operator=True)
    network = openvino.Core().read_model(content)
    if data is not None:
        try:
            from googlenet.export.openvino_int8 import quantised
        except ModuleNotFoundError as error:
            raise MissingExtraError("nncf", "openvino") from error
        network = quantised(network, data.calibration_batches(settings.batch or 1), data.float_layers)
    openvino.save_model(network, folder / FILE, compress_to_fp16=settings.precision == "fp16")
    return Artifact(FILE, Input(name=INPUT, dtype="float32", layout="NCHW", shape=shape), LOGITS)


def open_openvino(export: Export, threads: int) -> Run:
    """The export's network on OpenVINO, computing in fp32; raises ``ModelFileError`` where it will not open."""
    path = export.model_path
    try:
        network = openvino.Core().read_model(path)
        compiled = compile_network(network, threads)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelFileError(f"{path}: OpenVINO cannot open it ({reason}); export it again") from error
    name, output = export.contract.input.name, export.contract.output
    ends = [{part.any_name for part in parts} for parts in (compiled.inputs, compiled.outputs)]
    if ends != [{name}, {output}]:
        raise ModelFileError(f"{path}: has other inputs and outputs than its contract; export it again")

    def run(images: NDArray[Any]) -> NDArray[np.float32]:
        return np.array(compiled({name: images})[output])

    return run
