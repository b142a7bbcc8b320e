"""The paper's Table 1 for any spec and any input size, computed: every layer, branch and block with its figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from math import prod

from googlenet.describe.branches import branches, is_module
from googlenet.describe.field import receptive_fields
from googlenet.errors import SettingsError
from googlenet.layers import AdaptiveAvgPool, AvgPool, Conv, Layer, Linear, MaxPool, Shape
from googlenet.spec import AUX_HEADS, INPUT, Spec

FLOAT32 = 4  # bytes


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One layer. ``weights`` counts kernels alone, as the paper does; ``parameters`` all that is trained."""

    name: str
    kind: str
    kernel: int | None
    stride: int | None
    output: Shape
    weights: int
    parameters: int
    macs: int
    field: int
    activation_bytes: int


@dataclass(frozen=True, kw_only=True)
class Group:
    """Layers that are counted together."""

    name: str
    layers: tuple[LayerRow, ...]

    @property
    def output(self) -> Shape:
        return self.layers[-1].output

    @property
    def field(self) -> int:
        return self.layers[-1].field

    @property
    def weights(self) -> int:
        return sum(row.weights for row in self.layers)

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.layers)

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.layers)

    @property
    def activation_bytes(self) -> int:
        return sum(row.activation_bytes for row in self.layers)


@dataclass(frozen=True, kw_only=True)
class Block(Group):
    """A row of Table 1: the layers with one prefix. Only Inception modules have ``branches``."""

    branches: tuple[Group, ...] = ()

    @property
    def in_head(self) -> bool:
        return self.name in AUX_HEADS.values()


@dataclass(frozen=True, kw_only=True)
class Table:
    """The whole network at one input size and batch."""

    spec: Spec
    input_size: int
    batch: int
    blocks: tuple[Block, ...]  # the main path, then the heads
    depth: int  # layers with weights on the longest way from the image to the answer
    training_bytes: int
    inference_bytes: int

    def block(self, name: str) -> Block:
        return next(block for block in self.blocks if block.name == name)

    @property
    def main(self) -> Group:
        """The network as it is used once it is trained: without auxiliary heads."""
        return Group(name="main path", layers=_layers(block for block in self.blocks if not block.in_head))

    @property
    def all(self) -> Group:
        return Group(name="all", layers=_layers(self.blocks))


def compute_table(spec: Spec, input_size: int = 224, batch: int = 1) -> Table:
    """Everything about ``spec`` on square images of ``input_size`` pixels, ``batch`` at once, in float32.

    Raises ``SpecError`` where the network cannot take such images, ``SettingsError`` for a size or batch below 1.
    """
    for name, value in (("--input-size", input_size), ("--batch", batch)):
        if value < 1:
            raise SettingsError(f"{name} is {value}; give 1 or more")
    shapes = spec.shapes(input_size)
    rows = _rows(spec, shapes, batch)
    image = prod(shapes[INPUT]) * FLOAT32 * batch
    return Table(
        spec=spec,
        input_size=input_size,
        batch=batch,
        blocks=_blocks(spec, rows),
        depth=_depth(spec),
        training_bytes=image + sum(row.activation_bytes for row in rows.values()),
        inference_bytes=_peak(spec.without_heads(), shapes) * FLOAT32 * batch,
    )


def _rows(spec: Spec, shapes: dict[str, Shape], batch: int) -> dict[str, LayerRow]:
    fields = receptive_fields(spec, shapes)
    return {
        layer.name: LayerRow(
            name=layer.name,
            kind=type(layer).__name__,
            kernel=_kernel(layer, shapes[layer.inputs[0]]),
            stride=layer.stride if isinstance(layer, Conv | MaxPool | AvgPool) else None,
            output=shapes[layer.name],
            weights=sum(prod(shape) for name, shape in layer.parameters().items() if name.endswith("/weight")),
            parameters=sum(prod(shape) for shape in layer.parameters().values()),
            macs=layer.macs(shapes[layer.name]),
            field=fields[layer.name].size,
            activation_bytes=prod(shapes[layer.name]) * FLOAT32 * batch,
        )
        for layer in spec.layers
    }


def _kernel(layer: Layer, source: Shape) -> int | None:
    match layer:
        case Conv() | MaxPool() | AvgPool():
            return layer.kernel
        case AdaptiveAvgPool(size=1):
            return source[1]
    return None


def _blocks(spec: Spec, rows: dict[str, LayerRow]) -> tuple[Block, ...]:
    grouped = groupby(spec.layers, key=lambda layer: layer.name.split("/")[0])
    blocks = [_block(name, tuple(layers), rows) for name, layers in grouped]
    return tuple(sorted(blocks, key=lambda block: block.in_head))


def _block(name: str, layers: tuple[Layer, ...], rows: dict[str, LayerRow]) -> Block:
    parts = tuple(
        Group(name=chain[-1].name.removesuffix("_proj"), layers=tuple(rows[layer.name] for layer in chain))
        for chain in (branches(layers) if is_module(layers) else ())
    )
    return Block(name=name, layers=tuple(rows[layer.name] for layer in layers), branches=parts)


def _layers(blocks: Iterable[Block]) -> tuple[LayerRow, ...]:
    return tuple(row for block in blocks for row in block.layers)


def _depth(spec: Spec) -> int:
    depths = {INPUT: 0}
    for layer in spec.layers:
        depths[layer.name] = max(depths[name] for name in layer.inputs) + isinstance(layer, Conv | Linear)
    return depths[spec.outputs["main"]]


def _peak(spec: Spec, shapes: dict[str, Shape]) -> int:
    """The most values that exist at once when each is freed after the last layer that reads it."""
    last_reader = {source: layer.name for layer in spec.layers for source in layer.inputs}
    alive, peak = prod(shapes[INPUT]), 0
    for layer in spec.layers:
        alive += prod(shapes[layer.name])
        peak = max(peak, alive)
        alive -= sum(prod(shapes[name]) for name in set(layer.inputs) if last_reader[name] == layer.name)
    return peak
