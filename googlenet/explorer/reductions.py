"""Every module twice on the same input, naive and with 1×1 reductions: the layers of each with what they cost."""

from __future__ import annotations

from math import prod
from typing import Any

from googlenet.describe.branches import branches
from googlenet.describe.drawing.words import tone
from googlenet.describe.savings import module_pair
from googlenet.layers import Conv, Layer, MaxPool, Shape
from googlenet.spec import Spec


def reductions_json(spec: Spec, input_size: int) -> dict[str, Any]:
    """Module -> ``source`` (channels, height, width), and the branches of both forms as lists of layers."""
    modules = {}
    for module in spec.modules:
        pair = module_pair(spec, module, input_size)
        modules[f"inception_{module.name}"] = {
            "source": pair.source,
            "naive": [_chain(chain, pair.source) for chain in branches(pair.naive)],
            "reduced": [_chain(chain, pair.source) for chain in branches(pair.reduced)],
        }
    return modules


def _chain(chain: tuple[Layer, ...], source: Shape) -> list[dict[str, Any]]:
    rows, shape = [], source
    for layer in chain:
        shape = layer.output_shape(shape)
        weights = sum(prod(size) for name, size in layer.parameters().items() if name.endswith("/weight"))
        rows.append(
            {
                "name": layer.name,
                "kind": type(layer).__name__,
                "tone": tone(layer),
                "kernel": layer.kernel if isinstance(layer, Conv | MaxPool) else None,
                "output": shape,
                "weights": weights,
                "macs": layer.macs(shape),
            }
        )
    return rows
