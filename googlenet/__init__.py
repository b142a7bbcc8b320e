"""The reference GoogLeNet: from a folder of photographs to a measured, sealed image classifier.

    import googlenet
    googlenet.load("flowers.safetensors").predict("rose.jpg")

Importing this imports no framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from googlenet.errors import GoogLeNetError

if TYPE_CHECKING:
    from googlenet.classifier import Classifier

__version__ = "0.1.0"
__all__ = ["Classifier", "GoogLeNetError", "__version__", "load"]


def load(path: str) -> Classifier:
    """The classifier in a sealed model file (or a foreign checkpoint); raises ``ModelFileError``."""
    from googlenet.classifier import Classifier

    return Classifier.load(path)


def __getattr__(name: str) -> object:
    if name == "Classifier":
        from googlenet.classifier import Classifier

        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
