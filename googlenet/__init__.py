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
    from googlenet.network.torch_net import GoogLeNet

__version__ = "0.1.0"
__all__ = ["Classifier", "GoogLeNetError", "__version__", "load", "torch"]


def load(path: str) -> Classifier:
    """The classifier in a sealed model file (or a foreign checkpoint); raises ``ModelFileError``."""
    from googlenet.classifier import Classifier

    return Classifier.load(path)


def torch(
    variant: str = "paper", *, weights: str | None = None, classes: int | None = None, aux_heads: bool | None = None
) -> GoogLeNet:
    """A plain ``torch.nn.Module``: a variant with new weights, or the network of a checkpoint with its own.

    Args:
        variant: ``paper``, ``batch_norm``, ``torchvision``, ``slim``, ``tutorial``, ``tutorial_tf``, ``tutorial_bn`` or
            ``naive``; not looked at with ``weights``, which know their own.
        weights: A sealed model or any checkpoint that ``googlenet convert`` reads.
        classes: The variant's own number by default.
        aux_heads: Whether to build the auxiliary heads; as the variant has them by default.

    Raises ``SpecError`` for an unknown variant, ``ModelFileError`` for weights that cannot be read.
    """
    from pathlib import Path

    from googlenet.network.torch_net import GoogLeNet
    from googlenet.variants import variant as make_spec
    from googlenet.weights.convert import open_model

    if weights is None:
        return GoogLeNet(make_spec(variant, classes, aux_heads=aux_heads))
    model = open_model(Path(weights))
    net = GoogLeNet(model.spec)
    net.load_canonical(model.tensors)
    return net.eval()


def __getattr__(name: str) -> object:
    if name == "Classifier":
        from googlenet.classifier import Classifier

        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
