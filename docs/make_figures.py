"""Draws the figures of these pages anew, into docs/figures: run it after a change of the spec or of the drawings.

python docs/make_figures.py
"""

from __future__ import annotations

from pathlib import Path

from googlenet.describe.drawing.figures import draw_scene
from googlenet.describe.drawing.svg import svg_text
from googlenet.variants import paper

FIGURES = Path(__file__).with_name("figures")


def figures() -> dict[str, str]:
    """File name -> SVG text."""
    spec = paper()
    return {
        "network.svg": svg_text(draw_scene(spec, "network", "3a", 224)),
        "module.svg": svg_text(draw_scene(spec, "module", "3a", 224)),
        "aux.svg": svg_text(draw_scene(spec, "aux", "3a", 224)),
    }


if __name__ == "__main__":
    FIGURES.mkdir(exist_ok=True)
    for name, text in figures().items():
        (FIGURES / name).write_text(text, encoding="utf-8")
