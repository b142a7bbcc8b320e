"""What the 1×1 reductions save, and how small the network is beside VGG-16."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from googlenet.errors import SpecError
from googlenet.layers import Concat, Conv, Layer, Shape
from googlenet.spec import Inception, Spec

VGG16_PARAMETERS = 138_357_544  # Simonyan and Zisserman 2014, configuration D, with biases


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Weights (no biases), multiply-accumulates for one image, and the channels that come out."""

    weights: int
    macs: int
    channels: int


@dataclass(frozen=True, kw_only=True)
class Saving:
    """The same module on the same input, without reductions and with."""

    name: str
    naive: Cost
    reduced: Cost


@dataclass(frozen=True, kw_only=True)
class ModulePair:
    """A module of the paper's Figure 2, once as 2a (naive) and once as 2b, reading the same map."""

    module: Inception
    source: Shape
    naive: tuple[Layer, ...]
    reduced: tuple[Layer, ...]


def find_module(spec: Spec, name: str) -> Inception:
    """The module called ``name``, ``3a`` or ``inception_3a``; raises ``SpecError`` naming those that exist."""
    for module in spec.modules:
        if name.removeprefix("inception_") == module.name:
            return module
    raise SpecError(f"--module is {name!r}; this network's modules are: {', '.join(m.name for m in spec.modules)}")


def module_pair(spec: Spec, module: Inception, input_size: int = 224) -> ModulePair:
    """``module`` with reductions as ``spec`` has it, and the naive one that has the same kernels on the same input."""
    whole = replace(spec, reductions=True, aux_heads=False)  # no head limits the input size
    name = f"inception_{module.name}"
    reduced = tuple(layer for layer in whole.layers if layer.name.startswith(f"{name}/"))
    (source,) = reduced[0].inputs
    shape = whole.shapes(input_size)[source]
    naive = tuple(
        replace(layer, in_channels=shape[0], inputs=(source,)) if isinstance(layer, Conv) else layer
        for layer in reduced
        if not layer.name.endswith(("_reduce", "_proj", "/output"))
    )
    concat = Concat(name=f"{name}/output", inputs=tuple(layer.name for layer in naive))
    return ModulePair(module=module, source=shape, naive=(*naive, concat), reduced=reduced)


def cost(layers: tuple[Layer, ...], shapes: dict[str, Shape]) -> Cost:
    """Of ``layers`` in the order of computation; ``shapes`` holds what they read and is filled."""
    macs = 0
    for layer in layers:
        shapes[layer.name] = layer.output_shape(*(shapes[name] for name in layer.inputs))
        macs += layer.macs(shapes[layer.name])
    return Cost(weights=_weights(layers), macs=macs, channels=shapes[layers[-1].name][0])


def module_savings(spec: Spec, input_size: int = 224) -> tuple[Saving, ...]:
    """Each module of ``spec``, on the input that it has with reductions everywhere."""
    return tuple(pair_saving(module_pair(spec, module, input_size)) for module in spec.modules)


def pair_saving(pair: ModulePair) -> Saving:
    """What the reductions of one module save."""
    (source,) = pair.reduced[0].inputs
    naive, reduced = (cost(layers, {source: pair.source}) for layers in (pair.naive, pair.reduced))
    return Saving(name=f"inception_{pair.module.name}", naive=naive, reduced=reduced)


def network_saving(spec: Spec, input_size: int = 224) -> Saving:
    """The main path whole; without reductions the pool branches pass all on, so that each module's input grows too."""
    costs = []
    for reductions in (False, True):
        network = replace(spec, reductions=reductions, aux_heads=False)
        macs, channels = sum(network.macs(input_size).values()), network.shapes(input_size)["pool5/7x7_s1"][0]
        costs.append(Cost(weights=_weights(network.layers), macs=macs, channels=channels))
    return Saving(name="main path", naive=costs[0], reduced=costs[1])


def textbook_example() -> tuple[int, int]:
    """Weights of 64 kernels of 5×5 on 512 channels: directly, and behind a 1×1 reduction to 24."""
    direct = Conv(name="5x5", inputs=("data",), in_channels=512, out_channels=64, kernel=5)
    reduce = Conv(name="5x5_reduce", inputs=("data",), in_channels=512, out_channels=24, kernel=1)
    return _weights((direct,)), _weights((reduce, replace(direct, in_channels=24)))


def _weights(layers: tuple[Layer, ...]) -> int:
    return sum(
        prod(shape) for layer in layers for name, shape in layer.parameters().items() if name.endswith("/weight")
    )
