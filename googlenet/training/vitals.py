"""What a look into the network in training shows, whatever the framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Broken:
    """The first layer, in the order of computation, whose output is not a number, and for which images of the batch."""

    layer: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Vitals:
    """One look. A learner leaves empty what it cannot see."""

    silent: Mapping[str, float] = field(default_factory=dict)
    """Layer with a ReLU -> the fraction of its channels that are zero everywhere in every image."""
    gradients: Mapping[str, float] = field(default_factory=dict)
    """Block (``conv1``, ``inception_3a`` …) in training -> norm of the last step's gradient, after clipping."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """The same blocks -> norm of their weights."""
    broken: Broken | None = None


def block(layer: str) -> str:
    """The block that a layer belongs to: the first part of its name."""
    return layer.split("/")[0]
