"""GoogLeNet as data: the kernel counts of the paper's Table 1, and each variant as a difference from it.

Szegedy et al., *Going deeper with convolutions*, arXiv 1409.4842. Standard library only.

    data -> conv1 -> pool1 -> conv2 -> pool2 -> 3a 3b -> pool3 -> 4a 4b 4c 4d 4e -> pool4 -> 5a 5b -> pool5 -> loss3
                                                              |           |
                                                            loss1       loss2          (the auxiliary heads)

``Spec.layers`` is the whole network as a list in the order of computation; every builder loops over it. All layers
carry the names of Caffe's ``bvlc_googlenet``. To change an architecture, change a field, never a builder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, asdict, dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from math import prod
from typing import Any, Literal, TypeAlias

from googlenet.errors import SpecError
from googlenet.layers import (
    AdaptiveAvgPool,
    Affine,
    AvgPool,
    BatchNorm,
    Concat,
    Conv,
    Dropout,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool,
    Padding,
    Shape,
)

INPUT = "data"
FEATURES = "pool5/7x7_s1"
AUX_HEADS = {"4a": "loss1", "4d": "loss2"}
OUTPUTS = {"main": "loss3/classifier", "aux1": "loss1/classifier", "aux2": "loss2/classifier"}

# torchvision's transform_input: from ImageNet's mean and standard deviation to the range -1..1, per RGB channel.
TRANSFORM_INPUT = Affine(
    name="transform_input",
    inputs=(INPUT,),
    scale=(0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5),
    shift=((0.485 - 0.5) / 0.5, (0.456 - 0.5) / 0.5, (0.406 - 0.5) / 0.5),
)

Initialisation: TypeAlias = Literal["xavier_uniform", "truncated_normal", "kaiming_normal"]


@dataclass(frozen=True)
class Inception:
    """Kernel counts of one Inception module; its output is the four branches side by side (paper, Figure 2b)."""

    name: str
    _: KW_ONLY
    c1x1: int
    reduce3x3: int
    c3x3: int
    reduce5x5: int
    c5x5: int
    pool_proj: int


TABLE_1 = (
    Inception("3a", c1x1=64, reduce3x3=96, c3x3=128, reduce5x5=16, c5x5=32, pool_proj=32),
    Inception("3b", c1x1=128, reduce3x3=128, c3x3=192, reduce5x5=32, c5x5=96, pool_proj=64),
    Inception("4a", c1x1=192, reduce3x3=96, c3x3=208, reduce5x5=16, c5x5=48, pool_proj=64),
    Inception("4b", c1x1=160, reduce3x3=112, c3x3=224, reduce5x5=24, c5x5=64, pool_proj=64),
    Inception("4c", c1x1=128, reduce3x3=128, c3x3=256, reduce5x5=24, c5x5=64, pool_proj=64),
    Inception("4d", c1x1=112, reduce3x3=144, c3x3=288, reduce5x5=32, c5x5=64, pool_proj=64),
    Inception("4e", c1x1=256, reduce3x3=160, c3x3=320, reduce5x5=32, c5x5=128, pool_proj=128),
    Inception("5a", c1x1=256, reduce3x3=160, c3x3=320, reduce5x5=32, c5x5=128, pool_proj=128),
    Inception("5b", c1x1=384, reduce3x3=192, c3x3=384, reduce5x5=48, c5x5=128, pool_proj=128),
)


@dataclass(frozen=True, kw_only=True)
class Stem:
    """The layers before the first Inception module: conv 7x7/2, pool, conv 1x1, conv 3x3, pool."""

    conv1: int = 64
    conv2_reduce: int = 64
    conv2: int = 192
    conv1_padding: Padding = "half"


@dataclass(frozen=True, kw_only=True)
class AuxHead:
    """The auxiliary classifiers on 4a and 4d: pool, conv 1x1, fully connected, dropout, linear (paper, section 5)."""

    conv: int = 128
    fc: int = 1024
    adaptive: bool = False  # False: average pool 5x5/3; True: adaptive to 4x4, so that any input size works
    dropout_before_fc: float = 0.0
    dropout: float = 0.7


@dataclass(frozen=True, kw_only=True)
class LRN:
    """Constants of the local response norm; the paper prints none, these are Caffe's (alpha is divided by size)."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One GoogLeNet, whole. The defaults are the paper's network."""

    variant: str = "paper"
    classes: int = 1000
    aux_heads: bool = True
    stem: Stem = Stem()
    modules: tuple[Inception, ...] = TABLE_1
    aux: AuxHead = AuxHead()
    reductions: bool = True  # False: the «naive» module of Figure 2a
    kernel5x5: int = 5  # TF-slim and torchvision have 3 there
    conv_bias: bool = True
    batch_norm: BatchNorm | None = None
    lrn: LRN | None = LRN()
    pool_padding: Padding = "ceil"
    pool4_kernel: int = 3
    dropout: float = 0.4
    transform_input: bool = False
    init: Initialisation = "xavier_uniform"

    def __post_init__(self) -> None:
        if self.classes < 1:
            raise SpecError(f"classes is {self.classes}; a classifier needs at least 1")

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer, each after those that it reads. The first reads ``data``: (3, height, width)."""
        return _Writer(self).write()

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The heads that this network has: ``main``, ``aux1``, ``aux2`` -> the layer that gives its logits."""
        return OUTPUTS if self.aux_heads else {"main": OUTPUTS["main"]}

    def layer(self, name: str) -> Layer:
        """The layer of that name; raises ``SpecError`` naming the nearest ones when there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        near = ", ".join(get_close_matches(name, [layer.name for layer in self.layers], cutoff=0.3))
        raise SpecError(f"there is no layer {name!r} in variant {self.variant}; near it are: {near}")

    def shapes(self, input_size: int | tuple[int, int] = 224) -> dict[str, Shape]:
        """The output shape of every layer (and ``data``) for an image of ``input_size`` pixels, (height, width)."""
        height, width = (input_size, input_size) if isinstance(input_size, int) else input_size
        shapes: dict[str, Shape] = {INPUT: (3, height, width)}
        for layer in self.layers:
            shapes[layer.name] = layer.output_shape(*(shapes[name] for name in layer.inputs))
        return shapes

    def macs(self, input_size: int | tuple[int, int] = 224) -> dict[str, int]:
        """Multiply-accumulates of every layer for one image."""
        shapes = self.shapes(input_size)
        return {layer.name: layer.macs(shapes[layer.name]) for layer in self.layers}

    @cached_property
    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Canonical name -> shape of every trainable tensor, in the order of computation."""
        return {name: shape for layer in self.layers for name, shape in layer.parameters().items()}

    @cached_property
    def tensors(self) -> dict[str, tuple[int, ...]]:
        """``parameters`` and the batch-norm statistics: all that a model file must hold."""
        return {
            name: shape for layer in self.layers for name, shape in (layer.parameters() | layer.statistics()).items()
        }

    @property
    def parameter_count(self) -> int:
        """The number of trainable values."""
        return sum(prod(shape) for shape in self.parameters.values())

    def without_heads(self) -> Spec:
        """The same network for inference: the auxiliary heads dropped, as in the paper."""
        return replace(self, aux_heads=False)

    def scaled(self, factor: float) -> Spec:
        """The same network with every width multiplied (at least 1 kernel each): tiny nets for tests, wider members."""

        def scale(width: int) -> int:
            return max(1, round(width * factor))

        return replace(
            self,
            stem=_map_widths(self.stem, scale),
            modules=tuple(_map_widths(module, scale) for module in self.modules),
            aux=replace(self.aux, conv=scale(self.aux.conv), fc=scale(self.aux.fc)),
        )


def _map_widths(part: Any, scale: Callable[[int], int]) -> Any:
    widths = {name: scale(value) for name, value in asdict(part).items() if isinstance(value, int)}
    return replace(part, **widths)


class _Writer:
    """Writes the network out, layer by layer; each method returns the name of the layer that it ends with."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.layers: list[Layer] = []
        self.channels = {INPUT: 3}

    def write(self) -> tuple[Layer, ...]:
        last = self.stem()
        stage = self.spec.modules[0].name[0]
        for module in self.spec.modules:
            if module.name[0] != stage:
                kernel = self.spec.pool4_kernel if stage == "4" else 3
                last = self.max_pool(f"pool{stage}/3x3_s2", last, kernel=kernel)
                stage = module.name[0]
            last = self.inception(module, last)
            if self.spec.aux_heads and module.name in AUX_HEADS:
                self.aux_head(AUX_HEADS[module.name], last)
        last = self.add(AdaptiveAvgPool(name=FEATURES, inputs=(last,), size=1), self.channels[last])
        last = self.drop("pool5/drop_7x7_s1", last, self.spec.dropout)
        self.linear(OUTPUTS["main"], last, self.channels[last], self.spec.classes)
        return tuple(self.layers)

    def stem(self) -> str:
        stem, last = self.spec.stem, INPUT
        if self.spec.transform_input:
            last = self.add(TRANSFORM_INPUT, 3)
        last = self.conv("conv1/7x7_s2", last, stem.conv1, kernel=7, stride=2, padding=stem.conv1_padding)
        last = self.max_pool("pool1/3x3_s2", last)
        last = self.norm("pool1/norm1", last)
        last = self.conv("conv2/3x3_reduce", last, stem.conv2_reduce)
        last = self.conv("conv2/3x3", last, stem.conv2, kernel=3)
        last = self.norm("conv2/norm2", last)
        return self.max_pool("pool2/3x3_s2", last)

    def inception(self, module: Inception, source: str) -> str:
        name, kernel5x5 = f"inception_{module.name}", self.spec.kernel5x5
        if self.spec.reductions:
            source3x3 = self.conv(f"{name}/3x3_reduce", source, module.reduce3x3)
            source5x5 = self.conv(f"{name}/5x5_reduce", source, module.reduce5x5)
        else:
            source3x3 = source5x5 = source
        branches = [
            self.conv(f"{name}/1x1", source, module.c1x1),
            self.conv(f"{name}/3x3", source3x3, module.c3x3, kernel=3),
            self.conv(f"{name}/5x5", source5x5, module.c5x5, kernel=kernel5x5),
            self.max_pool(f"{name}/pool", source, stride=1, padding="half"),
        ]
        if self.spec.reductions:
            branches[-1] = self.conv(f"{name}/pool_proj", branches[-1], module.pool_proj)
        concat = Concat(name=f"{name}/output", inputs=tuple(branches))
        return self.add(concat, sum(self.channels[branch] for branch in branches))

    def aux_head(self, name: str, source: str) -> str:
        head = self.spec.aux
        pool = f"{name}/ave_pool"
        pooling = (
            AdaptiveAvgPool(name=pool, inputs=(source,), size=4)
            if head.adaptive
            else AvgPool(name=pool, inputs=(source,), kernel=5, stride=3)
        )
        last = self.conv(f"{name}/conv", self.add(pooling, self.channels[source]), head.conv)
        if head.dropout_before_fc:
            last = self.drop(f"{name}/drop_conv", last, head.dropout_before_fc)
        last = self.linear(f"{name}/fc", last, head.conv * 4 * 4, head.fc, relu=True)
        last = self.drop(f"{name}/drop_fc", last, head.dropout)
        return self.linear(f"{name}/classifier", last, head.fc, self.spec.classes)

    def conv(
        self, name: str, source: str, width: int, *, kernel: int = 1, stride: int = 1, padding: Padding = "half"
    ) -> str:
        layer = Conv(
            name=name,
            inputs=(source,),
            in_channels=self.channels[source],
            out_channels=width,
            kernel=kernel,
            stride=stride,
            padding=padding,
            bias=self.spec.conv_bias,
            norm=self.spec.batch_norm,
        )
        return self.add(layer, width)

    def max_pool(
        self, name: str, source: str, *, kernel: int = 3, stride: int = 2, padding: Padding | None = None
    ) -> str:
        padding = padding or self.spec.pool_padding
        layer = MaxPool(name=name, inputs=(source,), kernel=kernel, stride=stride, padding=padding)
        return self.add(layer, self.channels[source])

    def norm(self, name: str, source: str) -> str:
        if self.spec.lrn is None:
            return source
        layer = LocalResponseNorm(name=name, inputs=(source,), **asdict(self.spec.lrn))
        return self.add(layer, self.channels[source])

    def drop(self, name: str, source: str, rate: float) -> str:
        return self.add(Dropout(name=name, inputs=(source,), rate=rate), self.channels[source])

    def linear(self, name: str, source: str, in_features: int, width: int, *, relu: bool = False) -> str:
        layer = Linear(name=name, inputs=(source,), in_features=in_features, out_features=width, relu=relu)
        return self.add(layer, width)

    def add(self, layer: Layer, channels: int) -> str:
        self.layers.append(layer)
        self.channels[layer.name] = channels
        return layer.name
