"""Draws the figures of these pages anew, into docs/figures: run it after a change of the spec or of the drawings.

    python docs/make_figures.py
    python docs/make_figures.py imagenet.safetensors    # and the explorer's picture, with that model

The picture needs scikit-learn (its photograph china.jpg: by Daniel Büchele, CC BY 2.0), playwright and a chromium.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

import googlenet
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


def explorer_picture(model: str, path: Path) -> None:
    """A screenshot of the explorer: the module 4e with its 3×3 branch switched off."""
    from playwright.sync_api import sync_playwright
    from sklearn.datasets import load_sample_image

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        photograph = Path(folder) / "china.png"
        Image.fromarray(load_sample_image("china.jpg")).save(photograph)
        page_file = googlenet.explore(model, [photograph], Path(folder) / "explorer.html")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 920}, reduced_motion="reduce")
        page.goto(page_file.as_uri())
        page.click("[data-block=inception_4e]")
        page.click(".module-branch:nth-child(2) [role=switch]")
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur()")
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        picture.quantize(256, method=Image.Quantize.MEDIANCUT).save(path, optimize=True)
        browser.close()


if __name__ == "__main__":
    FIGURES.mkdir(exist_ok=True)
    for name, text in figures().items():
        (FIGURES / name).write_text(text, encoding="utf-8")
    for model in sys.argv[1:2]:
        explorer_picture(model, FIGURES / "explorer.png")
