"""The reference GoogLeNet: from a folder of photographs to a measured, sealed image classifier.

    import googlenet
    googlenet.load("flowers.safetensors").predict("rose.jpg")

Importing this imports no framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from googlenet.errors import GoogLeNetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from pathlib import Path

    from googlenet.classifier import Classifier
    from googlenet.explanation.explain import Explanation, Method
    from googlenet.network.keras_net import GoogLeNet as KerasGoogLeNet
    from googlenet.network.torch_net import GoogLeNet
    from googlenet.spec import Spec
    from googlenet.weights.model_file import Tensors

__version__ = "0.1.0"
__all__ = ["Classifier", "GoogLeNetError", "__version__", "explain", "explore", "keras", "load", "torch"]


def load(path: str) -> Classifier:
    """The classifier in a sealed model, a foreign checkpoint or an export's folder; raises ``ModelFileError``."""
    from googlenet.classifier import Classifier

    return Classifier.load(path)


def explain(
    model: str | PathLike[str] | Classifier,
    image: str | PathLike[str] | bytes,
    method: Method = "cam",
    layer: str | None = None,
) -> Explanation:
    """Which part of an image speaks for the answer, and which for it rather than for the runner-up.

    Args:
        model: A sealed model, a foreign checkpoint, or what ``load`` gave.
        image: An image file, or its bytes.
        method: ``cam`` or ``occlusion``, which run on onnxruntime; ``grad-cam``, ``layer-cam`` or
            ``integrated-gradients``, which need PyTorch (docs/explain.md says when to trust which).
        layer: Where ``grad-cam`` and ``layer-cam`` look, by Caffe's name.

    Raises ``ModelFileError``, ``ImageError``, ``SettingsError``, ``SpecError`` for an unknown layer, and
    ``MissingExtraError``.
    """
    from pathlib import Path

    from googlenet.classifier import Classifier
    from googlenet.explanation.explain import Explainer
    from googlenet.explanation.view import look
    from googlenet.weights.convert import open_model

    sealed = model.model if isinstance(model, Classifier) else open_model(Path(model))
    source = image if isinstance(image, bytes) else Path(image)
    return Explainer(sealed).explain(look(source, sealed.preprocessing), method, layer)


def explore(
    model: str | PathLike[str] | Classifier,
    images: Sequence[str | PathLike[str]] = (),
    out: str | PathLike[str] = "explorer.html",
    *,
    language: str = "en",
) -> Path:
    """Write the page in which a reader looks into the model at work on ``images``: what ``googlenet explore`` writes.

    Args:
        model: A sealed model, a foreign checkpoint, or what ``load`` gave.
        images: Image files; without any the page shows the network alone.
        out: The HTML file to write.
        language: ``en`` or ``zh``, which the page speaks first.

    Returns ``out``. Raises ``ModelFileError``, ``ImageError``, and ``SettingsError`` for another language or ending.
    """
    from pathlib import Path

    from googlenet.classifier import Classifier
    from googlenet.explorer.explore import explore as write
    from googlenet.weights.convert import open_model

    sealed = model.model if isinstance(model, Classifier) else open_model(Path(model))
    write(sealed, [Path(image) for image in images], Path(out), language=language)
    return Path(out)


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
    from googlenet.network.torch_net import GoogLeNet

    spec, tensors = _spec_and_weights(variant, weights, classes, aux_heads)
    net = GoogLeNet(spec)
    if tensors is None:
        return net
    net.load_canonical(tensors)
    return net.eval()


def keras(
    variant: str = "paper",
    *,
    weights: str | None = None,
    classes: int | None = None,
    aux_heads: bool | None = None,
    input_size: int | None = 224,
) -> KerasGoogLeNet:
    """A functional ``keras.Model``, on TensorFlow or the backend of ``KERAS_BACKEND``; arguments as ``torch``'s.

    It takes ``image``, (batch, height, width, 3), and gives a dictionary of logits, (batch, classes): ``main`` and,
    with heads, ``aux1`` and ``aux2``. ``input_size``: pixels, the side of the images; None for any size.

    Raises what ``torch`` raises, ``SpecError`` where the network cannot have such images, and ``MissingExtraError``.
    """
    from googlenet.network.keras_net import build, load_canonical

    spec, tensors = _spec_and_weights(variant, weights, classes, aux_heads)
    model = build(spec, input_size=input_size)
    if tensors is not None:
        load_canonical(model, spec, tensors)
    return model


def _spec_and_weights(
    variant: str, weights: str | None, classes: int | None, aux_heads: bool | None
) -> tuple[Spec, Tensors | None]:
    from pathlib import Path

    from googlenet.variants import variant as make_spec
    from googlenet.weights.convert import open_model

    if weights is None:
        return make_spec(variant, classes, aux_heads=aux_heads), None
    model = open_model(Path(weights))
    return model.spec, model.tensors


def __getattr__(name: str) -> object:
    if name == "Classifier":
        from googlenet.classifier import Classifier

        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
