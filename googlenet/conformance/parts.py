"""A GoogLeNet as what can be compared: layers with their windows, and what happens to each one's output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from googlenet import layers
from googlenet.spec import AUX_HEADS, INPUT, LRN, OUTPUTS, Spec

INPUT_SIZE = 224
"""Pixels: where the networks are compared. Windows that agree here may differ at another size."""

BRANCHES = ("1x1", "3x3", "5x5", "pool_proj")
"""The branches of an Inception module in the order of their channels, by the layer that each ends with."""

Kind: TypeAlias = Literal["data", "conv", "linear", "max_pool", "avg_pool", "output"]
Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Where a sliding window stands: all pairs are (vertical, horizontal).

    Two paddings that put the same windows in the same places are the same: ``before`` and ``count`` say it all, however
    a framework spells it.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    before: Pair = (0, 0)  # pixels of padding above and on the left
    count: Pair = (1, 1)  # positions of the window, the size of the output
    dilation: Pair = (1, 1)
    groups: int = 1
    adaptive: bool = False  # windows of unequal steps; ``count`` of them cover the map


@dataclass(frozen=True, kw_only=True)
class Part:
    """A layer that computes, and what its output goes through before the next one reads it."""

    kind: Kind
    width: int | None = None  # kernels of a convolution, outputs of a linear layer; None: any number
    window: Window | None = None
    bias: bool = True
    norm: bool = False
    relu: bool = False
    lrn: LRN | None = None
    dropout: float = 0.0
    other: str | None = None  # in words, what else is done to the output


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network under the paper's names for its layers."""

    parts: Mapping[str, Part]
    order: Mapping[str, tuple[str, ...]]  # module, such as «3a» -> its branches as they are concatenated
    heads: Mapping[str, str] = field(default_factory=dict)  # auxiliary head, such as «loss1» -> where it hangs
    swapped: str | None = None  # in words, the auxiliary output that is called by the other one's name
    unnamed: Mapping[int, str] = field(default_factory=dict)  # place of a head's output in a tuple -> where it hangs
    transform: str | None = None  # in words, what is done to the image before conv1
    extra: tuple[tuple[str, str], ...] = ()  # layers that the paper has not: the layer that they stand by, in words


def network_of(spec: Spec) -> Network:
    """The network that a spec describes, at 224 px."""
    shapes = spec.shapes(INPUT_SIZE)
    parts: dict[str, Part] = {}
    host: dict[str, str] = {INPUT: INPUT}  # what comes out of a layer without a part -> the part that it is done to
    order: dict[str, tuple[str, ...]] = {}
    transform = None
    for layer in spec.layers:
        source = layer.inputs[0]
        owner = host.get(source, source)
        match layer:
            case layers.LocalResponseNorm():
                parts[owner] = replace(
                    parts[owner], lrn=LRN(size=layer.size, alpha=layer.alpha, beta=layer.beta, k=layer.k)
                )
            case layers.Dropout():
                parts[owner] = replace(parts[owner], dropout=layer.rate)
            case layers.Affine():
                transform = "scaled and shifted per channel"
            case layers.Concat():
                order[layer.name.split("/")[0].removeprefix("inception_")] = tuple(map(_branch, layer.inputs))
            case _:
                parts[layer.name] = _part(layer, shapes[source], shapes[layer.name])
                continue
        host[layer.name] = owner
    heads = {head: f"inception_{module}" for module, head in AUX_HEADS.items()} if spec.aux_heads else {}
    return Network(parts=parts, order=order, heads=heads, transform=transform)


def with_free_classes(network: Network) -> Network:
    """The same with any number of classes: a classifier's width says nothing about the architecture."""
    free = {name: replace(network.parts[name], width=None) for name in OUTPUTS.values() if name in network.parts}
    return replace(network, parts={**network.parts, **free})


def _branch(name: str) -> str:
    last = name.split("/")[1]
    return "pool_proj" if last == "pool" else last


def _part(layer: layers.Layer, source: layers.Shape, made: layers.Shape) -> Part:
    count = made[1], made[2]
    match layer:
        case layers.Conv():
            window = _window(source, count, layer.kernel, layer.stride, layer.padding)
            norm = layer.norm is not None
            return Part(
                kind="conv", width=layer.out_channels, window=window, bias=layer.bias, norm=norm, relu=layer.relu
            )
        case layers.Linear():
            return Part(kind="linear", width=layer.out_features, relu=layer.relu)
        case layers.MaxPool():
            return Part(kind="max_pool", window=_window(source, count, layer.kernel, layer.stride, layer.padding))
        case layers.AvgPool():
            return Part(kind="avg_pool", window=_window(source, count, layer.kernel, layer.stride, "valid"))
        case layers.AdaptiveAvgPool():
            return Part(kind="avg_pool", window=adaptive_window((source[1], source[2]), count))
    raise TypeError(f"a layer of unknown kind: {layer!r}")


def adaptive_window(size: Pair, count: Pair) -> Window:
    """The windows of an adaptive pooling; plain ones where the map divides evenly."""
    kernel = size[0] // count[0], size[1] // count[1]
    even = size[0] % count[0] == size[1] % count[1] == 0
    # A window that stands in one place only has no stride to speak of.
    stride = tuple(step if many > 1 else 1 for step, many in zip(kernel, count, strict=True))
    return Window(kernel=kernel, stride=(stride[0], stride[1]), count=count, adaptive=not even)


def _window(source: layers.Shape, count: Pair, kernel: int, stride: int, padding: layers.Padding) -> Window:
    before = [layers.border(size, kernel, stride, padding)[0] for size in source[1:]]
    return Window(kernel=(kernel, kernel), stride=(stride, stride), before=(before[0], before[1]), count=count)
