"""Which drawings there are, and in which kinds of file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from googlenet.describe.drawing.head import draw_heads
from googlenet.describe.drawing.module import draw_module
from googlenet.describe.drawing.network import draw_network
from googlenet.describe.drawing.scene import Scene
from googlenet.errors import SettingsError
from googlenet.spec import Spec


def draw_scene(spec: Spec, which: Literal["network", "module", "aux"], module: str, input_size: int) -> Scene:
    """The drawing of that name; ``module`` matters to one of them only. Raises ``SpecError`` for what is not there."""
    if input_size < 1:
        raise SettingsError(f"--input-size is {input_size}; give 1 or more")
    match which:
        case "network":
            return draw_network(spec, input_size)
        case "module":
            return draw_module(spec, module, input_size)
        case "aux":
            return draw_heads(spec, input_size)


def file_content(scene: Scene, path: Path) -> bytes:
    """What the file ``path`` holds; raises ``SettingsError`` for others than .svg and .png."""
    match path.suffix.lower():
        case ".svg":
            from googlenet.describe.drawing.svg import svg_text

            return svg_text(scene).encode()
        case ".png":
            from googlenet.describe.drawing.png import png_bytes

            return png_bytes(scene)
    raise SettingsError(f"--out is {path}, but drawings are written as .svg or .png; give it one of these endings")
