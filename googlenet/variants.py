"""The GoogLeNets that exist, each as its difference from the paper's; the sources are listed in docs/variants.md."""

from __future__ import annotations

from collections.abc import Callable

from googlenet.errors import SpecError
from googlenet.layers import BatchNorm
from googlenet.spec import AuxHead, Spec


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


VARIANTS: dict[str, Callable[..., Spec]] = {"paper": paper, "batch_norm": batch_norm}


def variant(name: str, classes: int = 1000, *, aux_heads: bool = True) -> Spec:
    """The spec of the variant of that name; raises ``SpecError`` naming the known ones."""
    if name not in VARIANTS:
        raise SpecError(f"variant is {name!r}; known are: {', '.join(VARIANTS)}")
    return VARIANTS[name](classes, aux_heads=aux_heads)
