"""Which framework Keras runs on; to be said before Keras is imported."""

from __future__ import annotations

import os
import sys

from googlenet.errors import SettingsError


def use_backend(name: str) -> None:
    """Have Keras run on ``tensorflow`` or ``jax``, whatever ``KERAS_BACKEND`` says.

    Raises ``SettingsError`` when it runs on another one in this process already.
    """
    if (keras := sys.modules.get("keras")) is not None and (found := keras.backend.backend()) != name:
        raise SettingsError(f"Keras runs on {found} in this process already, not on {name}; start another process")
    os.environ["KERAS_BACKEND"] = name
