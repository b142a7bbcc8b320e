"""The Inception module, naive and with reductions side by side: the paper's Figure 2 with the numbers in it."""

from __future__ import annotations

from googlenet.describe.branches import branches
from googlenet.describe.drawing.scene import Box, Scene
from googlenet.describe.drawing.words import tone, window
from googlenet.describe.savings import Cost, ModulePair, find_module, module_pair, pair_saving
from googlenet.describe.sections import shape_words
from googlenet.layers import Conv, Layer, Shape
from googlenet.spec import Spec

_COLUMN, _GAP, _LEFT, _BETWEEN = 98.0, 8.0, 12.0, 24.0
_PANEL = 2 * _LEFT + 4 * _COLUMN + 3 * _GAP
_TOP, _BAR, _BOX = 92.0, 34.0, 66.0
_ROWS = (178.0, 296.0)
_CONCAT = 414.0
_HEIGHT = 540.0


def draw_module(spec: Spec, module: str = "3a", input_size: int = 224) -> Scene:
    """Module ``module`` of ``spec``, and what it would be without reductions on the same input.

    Raises ``SpecError`` where there is no such module.
    """
    pair = module_pair(spec, find_module(spec, module), input_size)
    saving = pair_saving(pair)
    title = f"Inception module {pair.module.name}, naive and with 1×1 reductions"
    summary = (
        f"On an input of {shape_words(pair.source)} the naive module has {saving.naive.weights:,} weights and the one "
        f"with reductions {saving.reduced.weights:,}."
    )
    scene = Scene(2 * _PANEL + _BETWEEN + 2, _HEIGHT, title, summary)
    _panel(scene, 1, pair, pair.naive, saving.naive, "Naive")
    _panel(scene, 1 + _PANEL + _BETWEEN, pair, pair.reduced, saving.reduced, "With 1×1 reductions")
    return scene


def _panel(scene: Scene, x: float, pair: ModulePair, layers: tuple[Layer, ...], cost: Cost, title: str) -> None:
    scene.parts.append(Box(x=x, y=1, width=_PANEL, height=_HEIGHT - 2, tone="panel"))
    middle, width = x + _PANEL / 2, _PANEL - 2 * _LEFT
    scene.text(middle, 30, title, size=19, bold=True)
    scene.text(middle, 56, f"module {pair.module.name}; below each count of kernels their weights", size=13, ink="soft")
    source = scene.box(x + _LEFT, _TOP, width, _BAR, "data", f"input {shape_words(pair.source)}", size=15)
    output = (cost.channels, *pair.source[1:])
    joined = scene.box(x + _LEFT, _CONCAT, width, _BAR, "data", f"concatenation {shape_words(output)}", size=15)
    for i, chain in enumerate(branches(layers)):
        _branch(scene, x + _LEFT + i * (_COLUMN + _GAP), chain, pair.source, source.bottom, joined.y)
    scene.text(middle, 474, f"{cost.weights:,} weights", size=17, bold=True)
    scene.text(middle, 504, f"{cost.macs / 1e6:,.1f} million multiply-accumulates", size=15)


def _branch(scene: Scene, x: float, chain: tuple[Layer, ...], source: Shape, top: float, bottom: float) -> None:
    """One column: the layers of ``chain`` from ``top`` to ``bottom``; a single one stands in the lower row."""
    last, shape = top, source
    rows = _ROWS if len(chain) == 2 else (sum(_ROWS) / 2,)
    for y, layer in zip(rows, chain, strict=True):
        box = scene.box(x, y, _COLUMN, _BOX, tone(layer), *_lines(layer, shape), size=14)
        scene.arrow((box.middle, last), (box.middle, box.y))
        last, shape = box.bottom, layer.output_shape(shape)
    scene.arrow((x + _COLUMN / 2, last), (x + _COLUMN / 2, bottom))
    scene.text(x + _COLUMN / 2 + 6, bottom - 22, f"{shape[0]}", size=13, anchor="start", ink="soft")


def _lines(layer: Layer, source: Shape) -> tuple[str, ...]:
    if not isinstance(layer, Conv):
        return "max pool", window(layer, source), f"{source[0]} channels"
    weights = layer.in_channels * layer.out_channels * layer.kernel**2
    return f"{window(layer, source)} conv", f"{layer.out_channels} kernels", f"{weights:,}"
