"""The branches of an Inception module, read from its layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from googlenet.layers import Concat, Layer


def is_module(layers: Sequence[Layer]) -> bool:
    """Whether ``layers`` end in a concatenation, as an Inception module's do."""
    return isinstance(layers[-1], Concat)


def branches(layers: Sequence[Layer]) -> Iterator[tuple[Layer, ...]]:
    """For each input of the concatenation that ends ``layers`` the layers that lead to it, in order."""
    own = {layer.name: layer for layer in layers}
    for end in layers[-1].inputs:
        chain = [own[end]]
        while chain[0].inputs[0] in own:
            chain.insert(0, own[chain[0].inputs[0]])
        yield tuple(chain)
