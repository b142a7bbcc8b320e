"""The whole network from the image to the answer, with every shape: the paper's Figure 3 on one A4 page."""

from __future__ import annotations

from itertools import groupby

from googlenet.describe.branches import branches, is_module
from googlenet.describe.drawing.scene import Box, Scene
from googlenet.describe.drawing.words import name, tone, window
from googlenet.describe.sections import shape_words
from googlenet.layers import Conv, Layer, Linear, Shape
from googlenet.spec import AUX_HEADS, INPUT, Spec

_WIDTH, _LEFT, _MAIN = 800.0, 74.0, 400.0
_HEAD_LEFT, _HEAD = 624.0, 164.0
_ROW, _MODULE, _GAP, _TOP = 24.0, 54.0, 13.0, 62.0
_SIZE = 12.5
_KEY = {
    "conv7x7": "7×7 convolution",
    "conv1x1": "1×1 convolution",
    "reduce": "1×1 reduction",
    "conv3x3": "3×3 convolution",
    "conv5x5": "5×5 convolution",
    "pool": "pooling",
    "norm": "norm, dropout",
    "linear": "fully connected",
}


def draw_network(spec: Spec, input_size: int = 224) -> Scene:
    """Every layer of ``spec`` with the shape that comes out of it, heads included."""
    shapes = spec.shapes(input_size)
    blocks = [tuple(layers) for _, layers in groupby(spec.layers, key=lambda layer: layer.name.split("/")[0])]
    main = [block for block in blocks if block[0].name.split("/")[0] not in AUX_HEADS.values()]
    rows = sum(_ROW + _GAP for block in main if not is_module(block) for _ in block)
    modules = sum(_MODULE + _GAP for block in main if is_module(block))
    title = f"GoogLeNet ({spec.variant}) on {input_size}×{input_size} px"
    summary = (
        f"From the image through {len(spec.modules)} Inception modules to {spec.classes} classes; "
        f"{spec.without_heads().parameter_count:,} parameters on the main path."
    )
    scene = Scene(_WIDTH, _TOP + _ROW + _GAP + rows + modules + 10, title, summary)
    scene.text(_LEFT + _MAIN / 2, 20, title, size=17, bold=True)
    scene.text(
        _LEFT + _MAIN / 2,
        43,
        f"{spec.without_heads().parameter_count:,} parameters on the main path",
        size=13,
        ink="soft",
    )
    scene.text(_LEFT + _MAIN + 12, 43, "output", size=13, anchor="start", ink="soft")
    _main_path(scene, spec, main, shapes)
    _key(scene, spec)
    return scene


def _main_path(scene: Scene, spec: Spec, blocks: list[tuple[Layer, ...]], shapes: dict[str, Shape]) -> None:
    last = scene.box(_LEFT, _TOP, _MAIN, _ROW, "data", "image", size=_SIZE)
    _margin(scene, last, "", shapes[INPUT])
    for i, layers in enumerate(blocks):
        label = layers[0].name.split("/")[0].removeprefix("inception_")
        if is_module(layers):
            box = _module(scene, last.bottom + _GAP, layers, shapes)
            scene.arrow((last.middle, last.bottom), (box.middle, box.y))
            _margin(scene, box, label, shapes[layers[-1].name])
            last = box
        for j, layer in enumerate(layers if not is_module(layers) else ()):
            words = name(layer, shapes[layer.inputs[0]])
            box = scene.box(_LEFT, last.bottom + _GAP, _MAIN, _ROW, tone(layer), words, size=_SIZE)
            scene.arrow((last.middle, last.bottom), (box.middle, box.y))
            _margin(scene, box, "" if j else label, shapes[layer.name])
            last = box
        if spec.aux_heads and label in AUX_HEADS and i + 1 < len(blocks):
            _head(scene, spec, AUX_HEADS[label], last, shapes)


def _key(scene: Scene, spec: Spec) -> None:
    """What the colours mean, in the corner that the heads leave free."""
    used = {tone(layer) for layer in spec.layers}
    y = _TOP
    for name_of_tone, words in _KEY.items():
        if name_of_tone in used:
            scene.parts.append(Box(x=_HEAD_LEFT, y=y, width=26, height=16, tone=name_of_tone))
            scene.text(_HEAD_LEFT + 36, y + 8, words, size=_SIZE, anchor="start")
            y += 25
    for words in ("1×1 · 64: 64 kernels of 1×1", "A module's four branches", "are joined by channel."):
        scene.text(_HEAD_LEFT, y + 12, words, size=12, anchor="start", ink="soft")
        y += 18


def _margin(scene: Scene, box: Box, label: str, shape: Shape) -> None:
    """The name on the left, the shape on the right."""
    y = box.y + box.height / 2
    if label:
        scene.text(box.x - 12, y, label, size=14 if len(label) == 2 else 13, anchor="end", bold=True)
    scene.text(box.x + box.width + 12, y, shape_words(shape), size=13, anchor="start")


def _module(scene: Scene, y: float, layers: tuple[Layer, ...], shapes: dict[str, Shape]) -> Box:
    """Four branches in a frame; each is read from the top to the bottom."""
    frame = Box(x=_LEFT, y=y, width=_MAIN, height=_MODULE, tone="panel")
    scene.parts.append(frame)
    width = (_MAIN - 5 * 6) / 4
    for i, chain in enumerate(branches(layers)):
        height = (_MODULE - 8 - 2 * (len(chain) - 1)) / len(chain)
        for j, layer in enumerate(chain):
            words = window(layer, shapes[layer.inputs[0]])
            words = f"{words} · {layer.out_channels}" if isinstance(layer, Conv) else f"pool {words}"
            scene.box(
                _LEFT + 6 + i * (width + 6), y + 4 + j * (height + 2), width, height, tone(layer), words, size=_SIZE
            )
    return frame


def _head(scene: Scene, spec: Spec, head: str, source: Box, shapes: dict[str, Shape]) -> None:
    """Leaves the main path in the gap below ``source``."""
    layers = [layer for layer in spec.layers if layer.name.startswith(f"{head}/")]
    y = source.bottom + _GAP / 2
    pitch = min(31.0, (3 * (_MODULE + _GAP) - 38) / len(layers))  # the next head leaves three modules further down
    height, first_y = 0.72 * pitch, y + 24
    middle = _HEAD_LEFT + _HEAD / 2
    scene.arrow((source.middle, y), (middle, y), (middle, first_y))
    scene.text(_HEAD_LEFT, y + 11, head, size=14, anchor="start", bold=True)
    bottom = first_y
    for i, layer in enumerate(layers):
        box = scene.box(_HEAD_LEFT, first_y + i * pitch, _HEAD, height, tone(layer), _short(layer, shapes),
                        size=_SIZE)  # fmt: skip
        if i:
            scene.arrow((middle, bottom), (middle, box.y))
        bottom = box.bottom


def _short(layer: Layer, shapes: dict[str, Shape]) -> str:
    """As ``name``, without what has no room here."""
    match layer:
        case Conv():
            return f"conv {layer.kernel}×{layer.kernel} · {layer.out_channels}"
        case Linear():
            return f"fc · {layer.out_features}"
    return name(layer, shapes[layer.inputs[0]]).replace("average", "avg.")
