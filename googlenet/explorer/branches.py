"""What each branch of an Inception module adds to the concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.describe.branches import branches as chains_of
from googlenet.describe.branches import is_module
from googlenet.explorer.figures import figure, figures
from googlenet.explorer.maps import channel_means
from googlenet.spec import Spec


@dataclass(frozen=True)
class Branch:
    """One branch of a module: the layer that ends it, and its channels in the concatenation."""

    end: str
    channels: range


def module_branches(spec: Spec) -> dict[str, tuple[Branch, ...]]:
    """Module -> its branches in the order of the concatenation, for every module of ``spec``."""
    modules = {}
    shapes = spec.shapes()
    for module in spec.modules:
        name = f"inception_{module.name}"
        layers = [layer for layer in spec.layers if layer.name.startswith(f"{name}/")]
        assert is_module(layers)
        modules[name] = _side_by_side([(chain[-1].name, shapes[chain[-1].name][0]) for chain in chains_of(layers)])
    return modules


def _side_by_side(ends: Sequence[tuple[str, int]]) -> tuple[Branch, ...]:
    branches, start = [], 0
    for end, count in ends:
        branches.append(Branch(end, range(start, start + count)))
        start += count
    return tuple(branches)


def concatenation(branches: Sequence[Branch], values: NDArray[np.float32]) -> dict[str, Any]:
    """The mean of every channel, (channels, height, width) -> ``profile``, and each branch's share of their sum."""
    means = channel_means(values)
    total = float(means.sum())
    return {
        "profile": figures(means),
        "branches": [
            {
                "end": branch.end,
                "first": branch.channels.start,
                "channels": len(branch.channels),
                "share": figure(float(means[branch.channels].sum()) / total) if total else 0.0,
                "silent": int((values[branch.channels] == 0).all((1, 2)).sum()),
            }
            for branch in branches
        ],
    }
