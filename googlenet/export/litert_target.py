"""LiteRT, once TensorFlow Lite: from the network in Keras, for telephones and small boards."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import MissingExtraError, ModelFileError
from googlenet.export.artifact import Artifact, Run
from googlenet.export.contract import Export
from googlenet.export.int8 import Int8Data
from googlenet.export.keras_process import export_keras
from googlenet.export.savedmodel_target import MAIN, keras_input
from googlenet.settings import ExportSettings
from googlenet.weights.model_file import SealedModel

FILE = "model.tflite"


def write(model: SealedModel, folder: Path, settings: ExportSettings, data: Int8Data | None = None) -> Artifact:
    """Write ``model.tflite`` into ``folder``."""
    form = "litert-fp16" if settings.precision == "fp16" else "litert"
    export_keras(model, folder / FILE, form, settings.batch)
    return Artifact(FILE, keras_input(model, settings), MAIN)


def open_litert(export: Export, threads: int) -> Run:
    """The export's network in the interpreter that comes with TensorFlow."""
    try:
        import tensorflow as tf

        from googlenet.network import keras_import  # noqa: F401 - it loads TensorFlow without its pages of greetings
    except ModuleNotFoundError as error:
        raise MissingExtraError("tensorflow", "tensorflow") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of its successor, a package of its own
            interpreter = tf.lite.Interpreter(model_path=str(export.model_path), num_threads=threads)
    except ValueError as error:
        raise ModelFileError(f"{export.model_path}: LiteRT cannot open it ({error}); export it again") from error
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(images: NDArray[Any]) -> NDArray[np.float32]:
        interpreter.resize_tensor_input(source, images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source, images)
        interpreter.invoke()
        logits: NDArray[np.float32] = interpreter.get_tensor(target)
        return logits

    return run
