"""The GoogLeNets that exist, each as its difference from the paper's; the sources are listed in docs/variants.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from googlenet.errors import SpecError
from googlenet.layers import BatchNorm
from googlenet.spec import AuxHead, Spec, Stem


def paper(classes: int = 1000, *, aux_heads: bool = True) -> Spec:
    """Szegedy et al. 2014 as Caffe's ``bvlc_googlenet`` has it: biases, LRN, true 5x5; heads only at 224 px."""
    return Spec(variant="paper", classes=classes, aux_heads=aux_heads)


def batch_norm(classes: int = 1000, *, aux_heads: bool = True) -> Spec:
    """The paper's widths with batch norm instead of LRN and biases; any input from 64 px up, heads included."""
    return Spec(
        variant="batch_norm",
        classes=classes,
        aux_heads=aux_heads,
        aux=AuxHead(adaptive=True),
        conv_bias=False,
        batch_norm=BatchNorm(),
        lrn=None,
        init="kaiming_normal",
    )


def torchvision(classes: int = 1000, *, aux_heads: bool = True) -> Spec:
    """``torchvision.models.googlenet``: 3x3 in the «5x5» branch (vision issue 906), pool4 2x2, batch norm."""
    return Spec(
        variant="torchvision",
        classes=classes,
        aux_heads=aux_heads,
        aux=AuxHead(adaptive=True),
        kernel5x5=3,
        pool4_kernel=2,
        conv_bias=False,
        batch_norm=BatchNorm(),
        lrn=None,
        dropout=0.2,
        init="truncated_normal",
    )


def slim(classes: int = 1001, *, aux_heads: bool = False) -> Spec:
    """TF-slim's ``InceptionV1``: 1001 classes, 0 being background; SAME padding, no gamma; it never has heads."""
    if aux_heads:
        raise SpecError("aux_heads is True, but TF-slim's InceptionV1 has none; leave them out or take another variant")
    return Spec(
        variant="slim",
        classes=classes,
        aux_heads=False,
        stem=Stem(conv1_padding="same"),
        kernel5x5=3,
        pool_padding="same",
        pool4_kernel=2,
        conv_bias=False,
        batch_norm=BatchNorm(momentum=0.0003, scale=False),
        lrn=None,
        dropout=0.2,
        init="truncated_normal",
    )


def tutorial(classes: int = 5, *, aux_heads: bool = True) -> Spec:
    """The well-known tutorial's PyTorch model: the paper's widths with biases, no LRN, two dropouts in each head."""
    return Spec(
        variant="tutorial",
        classes=classes,
        aux_heads=aux_heads,
        aux=AuxHead(dropout_before_fc=0.5, dropout=0.5),
        lrn=None,
        init="kaiming_normal",
    )


def tutorial_tf(classes: int = 5, *, aux_heads: bool = True) -> Spec:
    """The tutorial's TensorFlow ``model.py``: its PyTorch model with SAME padding in conv1 and the pools."""
    return replace(
        tutorial(classes, aux_heads=aux_heads),
        variant="tutorial_tf",
        stem=Stem(conv1_padding="same"),
        pool_padding="same",
    )


def tutorial_bn(classes: int = 5, *, aux_heads: bool = True) -> Spec:
    """The tutorial's TensorFlow ``model_add_bn.py``: batch norm, 3x3 in the «5x5» branch, pool4 2x2, SAME padding."""
    return replace(
        tutorial_tf(classes, aux_heads=aux_heads),
        variant="tutorial_bn",
        kernel5x5=3,
        pool4_kernel=2,
        conv_bias=False,
        batch_norm=BatchNorm(eps=1e-5),
    )


def naive(classes: int = 1000, *, aux_heads: bool = True) -> Spec:
    """The paper's Figure 2a throughout: no reductions, the pool branch passing all its channels on."""
    return Spec(variant="naive", classes=classes, aux_heads=aux_heads, reductions=False)


VARIANTS: dict[str, Callable[..., Spec]] = {
    "paper": paper,
    "batch_norm": batch_norm,
    "torchvision": torchvision,
    "slim": slim,
    "tutorial": tutorial,
    "tutorial_tf": tutorial_tf,
    "tutorial_bn": tutorial_bn,
    "naive": naive,
}


def variant(name: str, classes: int | None = None, *, aux_heads: bool | None = None) -> Spec:
    """The spec of the variant of that name, with its own classes and heads unless others are given.

    Raises ``SpecError`` naming the known ones.
    """
    if name not in VARIANTS:
        raise SpecError(f"variant is {name!r}; known are: {', '.join(VARIANTS)}")
    wishes = {"classes": classes, "aux_heads": aux_heads}
    return VARIANTS[name](**{key: value for key, value in wishes.items() if value is not None})
