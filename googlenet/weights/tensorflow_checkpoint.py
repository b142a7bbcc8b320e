"""Opening TensorFlow's checkpoints, of version 1 or 2, with TensorFlow's own reader."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from googlenet.errors import MissingExtraError, ModelFileError


def open_checkpoint(path: Path) -> Any:
    """TensorFlow's reader of a checkpoint (``path``: the ``.index`` file of version 2, or the file of version 1).

    Raises ``MissingExtraError`` without TensorFlow, ``ModelFileError`` when the checkpoint is damaged.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it greets on standard error, in pages
    try:
        import tensorflow as tf
    except ModuleNotFoundError as error:
        raise MissingExtraError("tensorflow", "tensorflow") from error
    prefix = path.with_suffix("") if path.suffix == ".index" else path
    try:
        return tf.train.load_checkpoint(str(prefix))
    except Exception as error:  # TensorFlow raises its own kinds, and ValueError, for a damaged checkpoint
        reason = str(error).split("\n")[0][:200]
        raise ModelFileError(f"{path}: cannot be read as a checkpoint ({reason}); fetch all its files again") from error
