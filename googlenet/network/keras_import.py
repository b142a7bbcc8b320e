"""Keras 3, quietly, and no older than is safe: ``from googlenet.network.keras_import import keras``.

It runs on the backend that ``KERAS_BACKEND`` names, TensorFlow by default. Importing this raises ``MissingExtraError``
when Keras or its backend is not installed or too old.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

from googlenet.errors import MissingExtraError
from googlenet.imports import without

__all__ = ["keras"]

_NEEDED = {
    "keras": "3.14",  # the first without the known ways to run code from a .keras file
    "tensorflow": "2.21",
    "jax": "0.10",
}
_BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
_EXTRA = _BACKEND if _BACKEND in ("jax", "torch") else "tensorflow"


def _check_version(package: str) -> None:
    try:
        found = metadata.version(package)
    except metadata.PackageNotFoundError:
        return  # absent, or of another distribution such as tensorflow-cpu: the import tells
    if tuple(map(int, found.split(".")[:2])) < tuple(map(int, _NEEDED[package].split("."))):
        raise MissingExtraError(package, _EXTRA, found=found, needed=_NEEDED[package])


@contextmanager
def _standard_error_closed() -> Iterator[None]:
    """TensorFlow greets on standard error, in pages, from below Python, before it looks at any setting."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


for name in ("keras", _BACKEND):
    if name in _NEEDED:
        _check_version(name)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow leaves the faster convolutions off on processors without VNNI; they help those too (docs/benchmarks.md).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# TensorFlow Lite imports JAX where it is installed, for a converter that nothing here uses.
_LEFT_OUT = () if _BACKEND == "jax" else ("jax",)
try:
    with _standard_error_closed(), without(*_LEFT_OUT):
        import keras

        if keras.backend.backend() == "tensorflow":
            import tensorflow

            tensorflow.config.list_physical_devices("GPU")  # where there is none, CUDA complains when first asked
except ModuleNotFoundError as error:
    raise MissingExtraError(error.name or _BACKEND, _EXTRA) from error
