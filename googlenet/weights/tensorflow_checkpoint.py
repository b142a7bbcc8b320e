"""Opening TensorFlow's checkpoints, of version 1 or 2, with TensorFlow's own reader, and writing those of version 2."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import MissingExtraError, ModelFileError
from googlenet.saving import atomic_write


def open_checkpoint(path: Path) -> Any:
    """TensorFlow's reader of a checkpoint (``path``: the ``.index`` file of version 2, or the file of version 1).

    Raises ``MissingExtraError`` without TensorFlow, ``ModelFileError`` when the checkpoint is damaged.
    """
    tf = _tensorflow()
    prefix = path.with_suffix("") if path.suffix == ".index" else path
    try:
        return tf.train.load_checkpoint(str(prefix))
    except Exception as error:  # TensorFlow raises its own kinds, and ValueError, for a damaged checkpoint
        reason = str(error).split("\n")[0][:200]
        raise ModelFileError(f"{path}: cannot be read as a checkpoint ({reason}); fetch all its files again") from error


def write_named_checkpoint(path: Path, tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """Write tensors under their names, as TensorFlow 1's Saver did, to files that begin with ``path``."""
    tf = _tensorflow()

    def write(prefix: str) -> None:
        values = [tf.constant(value) for value in tensors.values()]
        tf.raw_ops.SaveV2(
            prefix=prefix, tensor_names=list(tensors), shape_and_slices=[""] * len(values), tensors=values
        )

    _write(path, write)


def write_object_checkpoint(path: Path, tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """Write tensors by attribute: ``a/b/kernel`` as what ``model.a.b.kernel`` is, which is how Keras looks it up."""
    tf = _tensorflow()
    nodes: dict[str, Any] = {"": tf.Module()}

    def node(name: str) -> Any:
        if name not in nodes:
            parent, _, attribute = name.rpartition("/")
            nodes[name] = tf.Module()
            setattr(node(parent), attribute, nodes[name])
        return nodes[name]

    for name, value in tensors.items():
        parent, _, attribute = name.rpartition("/")
        setattr(node(parent), attribute, tf.Variable(value))
    _write(path, tf.train.Checkpoint(nodes[""]).write)


def _write(path: Path, write: Any) -> None:
    """Each file is whole at every instant; the index, without which the data are nothing, comes last."""
    with TemporaryDirectory() as folder:
        write(str(Path(folder) / path.name))
        for file in sorted(Path(folder).glob(f"{path.name}.*"), key=lambda file: file.suffix == ".index"):
            atomic_write(path.with_name(file.name), [file.read_bytes()])


def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it greets on standard error, in pages
    try:
        import tensorflow as tf
    except ModuleNotFoundError as error:
        raise MissingExtraError("tensorflow", "tensorflow") from error
    return tf
