"""A wider network that starts as the narrower one: the same answers, with room to learn more.

The paper's ensemble has one wider member and the same initial weights for all (section 7). Here every kernel of the
narrow network is kept; new kernels are drawn as for a new network, and nothing old reads them yet, because the weights
from a new channel to an old one begin at zero (after Chen et al., *Net2Net*, arXiv 1511.05641). The stem keeps its
width: its response norm reads neighbouring channels and would notice new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from googlenet.layers import Concat, Conv, Layer, Linear
from googlenet.spec import INPUT, Spec

Tensors: TypeAlias = Mapping[str, NDArray[np.float32]]
_Places: TypeAlias = "NDArray[np.intp]"


def wider_spec(spec: Spec, factor: float) -> Spec:
    """The same network with every module and head ``factor`` >= 1 times as wide, the stem as it is."""
    return replace(spec.scaled(factor), stem=spec.stem)


def widened(tensors: Tensors, spec: Spec, wide: Spec, fresh: Tensors) -> dict[str, NDArray[np.float32]]:
    """The weights ``tensors`` of ``spec`` inside those of ``wide``, which is ``wider_spec`` of it.

    ``fresh`` are new weights of ``wide``; what is new in it begins with them. The logits are those of ``spec``.
    """
    places, widths = {INPUT: np.arange(3)}, {INPUT: 3}
    result = {}
    for old, new in zip(spec.layers, wide.layers, strict=True):
        sources = [places[name] for name in old.inputs]
        places[old.name] = _places(old, sources, [widths[name] for name in new.inputs])
        widths[old.name] = _width(new, [widths[name] for name in new.inputs])
        for name in (*old.parameters(), *old.statistics()):
            result[name] = _embedded(tensors[name], fresh[name], sources[0], places[old.name])
    return result


def _places(old: Layer, sources: list[_Places], widths: list[int]) -> _Places:
    """Where each channel that comes out of ``old`` stands in the wider network."""
    if isinstance(old, Conv):
        return np.arange(old.out_channels)
    if isinstance(old, Linear):
        return np.arange(old.out_features)
    starts = np.cumsum([0, *widths[:-1]])
    return np.concatenate([start + source for start, source in zip(starts, sources, strict=True)])


def _width(new: Layer, widths: list[int]) -> int:
    if isinstance(new, Conv):
        return new.out_channels
    if isinstance(new, Linear):
        return new.out_features
    return sum(widths) if isinstance(new, Concat) else widths[0]


def _embedded(
    old: NDArray[np.float32], fresh: NDArray[np.float32], inputs: _Places, outputs: _Places
) -> NDArray[np.float32]:
    result = fresh.copy()
    if old.ndim == 1:  # a bias or a norm: one value per channel
        result[outputs] = old
        return result
    result[outputs] = 0
    cells = old.shape[1] // len(inputs)  # of a fully connected layer on maps: the pixels of a channel lie side by side
    columns = (inputs[:, None] * cells + np.arange(cells)).reshape(-1)
    result[np.ix_(outputs, columns)] = old
    return result
