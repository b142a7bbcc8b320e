"""Keras 3, quietly, and no older than is safe: ``from googlenet.network.keras_import import keras``.

It runs on the backend that ``KERAS_BACKEND`` names, TensorFlow by default. Importing this raises ``MissingExtraError``
when Keras or its backend is not installed, or Keras is too old.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

from googlenet.errors import MissingExtraError

__all__ = ["keras"]

_NEEDED = "3.14"  # the first without the known ways to run code from a .keras file


def _check_version() -> None:
    try:
        found = metadata.version("keras")
    except metadata.PackageNotFoundError as error:
        raise MissingExtraError("keras", "tensorflow") from error
    if tuple(map(int, found.split(".")[:2])) < tuple(map(int, _NEEDED.split("."))):
        raise MissingExtraError("keras", "tensorflow", found=found, needed=_NEEDED)


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


_check_version()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    with _standard_error_closed():
        import keras
except ModuleNotFoundError as error:
    missing = error.name or "tensorflow"
    raise MissingExtraError(missing, missing if missing in ("jax", "torch") else "tensorflow") from error
