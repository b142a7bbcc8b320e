"""The drawings: whole, legible by construction, and with the spec's own numbers in them."""

from __future__ import annotations

import io
import re
import runpy
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import matplotlib
import pytest
from PIL import Image, ImageFont

from googlenet.describe.drawing.figures import draw_scene, file_content
from googlenet.describe.drawing.head import draw_heads
from googlenet.describe.drawing.module import draw_module
from googlenet.describe.drawing.network import draw_network
from googlenet.describe.drawing.scene import INKS, TONES, Box, Scene, Text
from googlenet.describe.drawing.svg import svg_text
from googlenet.errors import SettingsError, SpecError
from googlenet.spec import TABLE_1, Inception
from googlenet.variants import VARIANTS, paper, variant

SVG = "{http://www.w3.org/2000/svg}"


def _words(scene: Scene) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg_text(scene)).iter(f"{SVG}text")]


@pytest.mark.parametrize("module", TABLE_1, ids=lambda module: module.name)
def test_a_module_shows_its_kernel_counts(module: Inception) -> None:
    words = Counter(_words(draw_module(paper(), module.name)))
    widths = Counter(
        f"{width} kernels"
        for width in (module.c1x1, module.reduce3x3, module.c3x3, module.reduce5x5, module.c5x5, module.pool_proj)
    )
    widths.update(f"{width} kernels" for width in (module.c1x1, module.c3x3, module.c5x5))  # the naive one's
    assert Counter({text: count for text, count in words.items() if text.endswith(" kernels")}) == widths
    shapes = paper().shapes()
    height, width = shapes[f"inception_{module.name}/output"][1:]
    total = module.c1x1 + module.c3x3 + module.c5x5 + module.pool_proj
    assert f"concatenation {height}×{width}×{total}" in words


def test_module_3a_says_what_is_saved() -> None:
    words = _words(draw_module(paper()))
    assert {"387,072 weights", "163,328 weights", "221,184", "110,592", "concatenation 28×28×416"} <= set(words)


def test_the_network_shows_every_shape_and_every_kernel_count() -> None:
    words = Counter(_words(draw_network(paper())))
    for module in TABLE_1:
        assert f"1×1 · {module.c1x1}" in words
        assert f"3×3 · {module.c3x3}" in words
        assert f"5×5 · {module.c5x5}" in words
        assert f"1×1 · {module.pool_proj}" in words
    reductions = Counter(f"1×1 · {width}" for m in TABLE_1 for width in (m.c1x1, m.reduce3x3, m.reduce5x5, m.pool_proj))
    assert {text: count for text, count in words.items() if re.fullmatch(r"1×1 · \d+", text)} == reductions
    for shape in ("224×224×3", "112×112×64", "28×28×256", "14×14×528", "7×7×1024", "1×1×1024", "1×1×1000"):
        assert shape in words
    assert words["avg. pool 5×5/3"] == 2


def test_the_heads_show_every_shape() -> None:
    words = _words(draw_heads(paper()))
    for text in ("14×14×512", "14×14×528", "4×4×512", "4×4×528", "4×4×128", "65,664 parameters", "dropout 70 %"):
        assert text in words
    assert words.count("2,098,176 parameters") == 2


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("which", ["network", "module", "aux"])
def test_nothing_sticks_out(name: str, which: str) -> None:
    spec = variant(name)
    if which == "aux" and not spec.aux_heads:
        with pytest.raises(SpecError, match="has no auxiliary heads"):
            draw_heads(spec)
        return
    scene = draw_scene(spec, which, "5b", 224)  # type: ignore[arg-type]
    boxes = [part for part in scene.parts if isinstance(part, Box)]
    for box in boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= scene.width
        assert box.bottom <= scene.height
    for text in (part for part in scene.parts if isinstance(part, Text) and part.anchor == "middle"):
        around = [box for box in boxes if box.x < text.x < box.x + box.width and box.y < text.y < box.bottom]
        room = min((box.width for box in around), default=scene.width)
        assert _width(text) <= room - 6, text


def _width(text: Text) -> float:
    """In DejaVu Sans, the widest of the fonts that the drawings ask for."""
    name = "DejaVuSans-Bold.ttf" if text.bold else "DejaVuSans.ttf"
    font = ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf" / name), 100)
    return font.getlength(text.words) * text.size / 100


def test_it_is_legible_on_either_page() -> None:
    """WCAG's contrast of 4.5 between text and what lies under it, in both settings."""
    for name, tone in TONES.items():
        for ink, (light, dark) in INKS.items():
            if ink == "ink" or name in {"page", "panel"}:
                assert _contrast(light, tone.fill) > 4.5, (name, ink)
                assert _contrast(dark, tone.dark_fill) > 4.5, (name, ink)


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_svg_asks_for_nothing_and_follows_the_setting() -> None:
    for which in ("network", "module", "aux"):
        scene = draw_scene(paper(), which, "3a", 224)  # type: ignore[arg-type]
        text = svg_text(scene)
        root = ElementTree.fromstring(text)
        assert root.find(f"{SVG}title") is not None
        assert root.get("viewBox") == f"0 0 {scene.width:g} {scene.height:g}"
        assert "prefers-color-scheme: dark" in text
        assert not re.search(r"<script|<image|href|url\(|@import", text)
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_png_is_large_enough_for_print() -> None:
    scene = draw_heads(paper())
    image = Image.open(io.BytesIO(file_content(scene, Path("x.PNG"))))
    assert image.format == "PNG"
    assert image.width == pytest.approx(3 * scene.width, abs=1)
    assert image.convert("L").getextrema()[0] < 80, "there is ink on it"


def test_other_files_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"x\.gif, but drawings are written as \.svg or \.png"):
        file_content(draw_heads(paper()), Path("x.gif"))


def test_the_figures_of_the_pages_are_up_to_date() -> None:
    docs = Path(__file__).parents[2] / "docs"
    for name, text in runpy.run_path(str(docs / "make_figures.py"))["figures"]().items():
        assert (docs / "figures" / name).read_text(encoding="utf-8") == text, "run docs/make_figures.py"
