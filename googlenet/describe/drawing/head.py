"""The auxiliary heads, layer by layer, side by side: what the paper's section 5 describes in words."""

from __future__ import annotations

from math import prod

from googlenet.describe.drawing.scene import Box, Scene
from googlenet.describe.drawing.words import name, tone
from googlenet.describe.sections import shape_words
from googlenet.errors import SpecError
from googlenet.layers import Shape
from googlenet.spec import AUX_HEADS, Spec

_WIDTH, _PANEL, _BOX, _GAP, _TOP = 780.0, 380.0, 44.0, 38.0, 84.0


def draw_heads(spec: Spec, input_size: int = 224) -> Scene:
    """Both auxiliary heads of ``spec``; raises ``SpecError`` where it has none."""
    if not spec.aux_heads:
        raise SpecError(f"--draw aux, but this network ({spec.variant}) has no auxiliary heads; take one that has them")
    shapes = spec.shapes(input_size)
    count = sum(layer.name.startswith("loss1/") for layer in spec.layers)
    height = _TOP + (count + 1) * (_BOX + _GAP) + 40
    title = "The auxiliary classifiers"
    summary = "They join the loss while the network is trained, weighted 0.3 each, and are dropped afterwards."
    scene = Scene(_WIDTH, height, title, summary)
    for i, (module, head) in enumerate(AUX_HEADS.items()):
        _head(scene, 1 + i * (_WIDTH - _PANEL - 2), spec, shapes, module, head)
    return scene


def _head(scene: Scene, x: float, spec: Spec, shapes: dict[str, Shape], module: str, head: str) -> None:
    layers = [layer for layer in spec.layers if layer.name.startswith(f"{head}/")]
    scene.parts.append(Box(x=x, y=1, width=_PANEL, height=scene.height - 2, tone="panel"))
    middle, left, width = x + _PANEL / 2, x + 40, _PANEL - 80
    scene.text(middle, 30, f"{head}, on module {module}", size=19, bold=True)
    scene.text(middle, 56, "in training only, loss weight 0.3", size=14, ink="soft")
    source = layers[0].inputs[0]
    box = scene.box(left, _TOP, width, _BOX, "data", f"output of {source.split('/')[0].replace('_', ' ')}", size=15)
    for layer in layers:
        y = box.bottom + _GAP
        scene.arrow((middle, box.bottom), (middle, y))
        scene.text(middle + 12, y - _GAP / 2, shape_words(shapes[layer.inputs[0]]), anchor="start", ink="soft")
        parameters = sum(prod(shape) for shape in layer.parameters().values())
        lines = (name(layer, shapes[layer.inputs[0]]), *([f"{parameters:,} parameters"] if parameters else []))
        box = scene.box(left, y, width, _BOX, tone(layer), *lines, size=14)
    scene.arrow((middle, box.bottom), (middle, box.bottom + _GAP - 6))
    scene.text(middle, box.bottom + _GAP + 8, f"softmax over {spec.classes} classes", size=14)
