"""TensorFlow's SavedModel, from the network in Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import MissingExtraError, ModelFileError
from googlenet.export.artifact import Artifact, Run
from googlenet.export.contract import Export, Input
from googlenet.export.int8 import Int8Data
from googlenet.export.keras_process import export_keras
from googlenet.settings import ExportSettings
from googlenet.weights.model_file import SealedModel

FOLDER = "saved_model"
IMAGE, MAIN = "image", "main"
"""What Keras calls the input, and the output that holds the logits."""


def write(model: SealedModel, folder: Path, settings: ExportSettings, data: Int8Data | None = None) -> Artifact:
    """Write the folder ``saved_model`` into ``folder``."""
    export_keras(model, folder / FOLDER, "tf_saved_model", settings.batch)
    return Artifact(FOLDER, keras_input(model, settings), MAIN)


def keras_input(model: SealedModel, settings: ExportSettings) -> Input:
    """What a network from Keras takes: channels last."""
    size = model.preprocessing.crop_size
    return Input(name=IMAGE, dtype="float32", layout="NHWC", shape=(settings.batch or "batch", size, size, 3))


def open_saved_model(export: Export, threads: int) -> Run:
    """The export's network in TensorFlow, whose threads are those of its environment variables."""
    try:
        import tensorflow as tf

        from googlenet.network import keras_import  # noqa: F401 - it loads TensorFlow without its pages of greetings
    except ModuleNotFoundError as error:
        raise MissingExtraError("tensorflow", "tensorflow") from error
    try:
        loaded = tf.saved_model.load(export.model_path)
        serve = loaded.signatures["serving_default"]
    except (OSError, KeyError, ValueError) as error:
        raise ModelFileError(f"{export.model_path}: TensorFlow cannot open it ({error}); export it again") from error
    name, output = export.contract.input.name, export.contract.output

    def run(images: NDArray[Any]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = serve(**{name: tf.constant(images)})[output].numpy()
        return logits

    run.model = loaded  # type: ignore[attr-defined]  # the signature alone does not keep its variables alive
    return run
