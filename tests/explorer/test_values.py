"""Two hundred numbers read out of the page in a real browser, against PyTorch."""

from __future__ import annotations

import base64
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from googlenet.explorer.explore import explore
from googlenet.explorer.thumbnails import palette
from googlenet.variants import paper
from tests.explorer.browser import OpenPage, layer_names, search_for
from tests.explorer.conftest import model_of
from tests.explorer.numbers import TABLE_1, Numbers
from tests.explorer.reference import Case

SAMPLES = 200
ENGINES = 5e-5  # of the layer's greatest: by so much may two engines differ

READ = """root => [...document.querySelectorAll(root + ' .value')].map(e => ({...e.dataset, text: e.textContent}))"""


@pytest.fixture(scope="module")
def case(picture: Path) -> Case:
    return Case(model_of(paper(12).scaled(1 / 8)), picture)


@pytest.fixture(scope="module")
def page_file(case: Case, picture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("values") / "page.html"
    explore(case.model, [picture], path)
    return path


def test_two_hundred_numbers(case: Case, page_file: Path, open_page: OpenPage) -> None:
    rng = random.Random(0)
    found = _read_everything(open_page(page_file), rng)
    kinds: dict[str, list[dict[str, str]]] = {}
    for entry in found:
        kinds.setdefault(entry["kind"], []).append(entry)
    assert len(kinds) >= 35
    sample = [entry for entries in kinds.values() for entry in rng.sample(entries, min(3, len(entries)))]
    sample += rng.sample(found, SAMPLES - len(sample))
    numbers = Numbers(case)
    wrong = [problem for entry in sample if (problem := _problem(entry, numbers))]
    assert not wrong


def _read_everything(page: Any, rng: random.Random) -> list[dict[str, str]]:
    """All the numbers that a reader meets who walks through many layers, every tab, and switches this and that off."""
    found: list[dict[str, str]] = page.evaluate(READ, "body")
    for layer in rng.sample(layer_names(page), 25):
        search_for(page, layer)
        found += page.evaluate(READ, "#panel")
    for module in ("3b", "4d", "5b"):
        page.click(f"[data-block=inception_{module}]")
        page.hover(".profile")
        found += page.evaluate(READ, "#panel")
        for switch in (
            ".module-branch:nth-child(2) .switch",
            ".module-branch:nth-child(4) .switch",
            ".channel .switch",
        ):
            page.click(switch)
            found += page.evaluate(READ, "#answer")
    page.click("[data-key='all on']")
    for tab in ("evidence", "heads", "reductions", "paper"):
        page.click(f"#tab-{tab}")
        found += page.evaluate(READ, "#panel")
    page.click("#tab-reductions")
    page.click("[data-key=reductions]")
    found += page.evaluate(READ, "#panel")
    page.click("#tab-evidence")
    page.click(".chooser button:nth-child(4)")
    return found + page.evaluate(READ, "#panel")


def _problem(entry: dict[str, str], numbers: Numbers) -> str | None:
    wanted = numbers.wanted(entry["kind"], entry)
    if isinstance(wanted, tuple):
        shown = tuple(map(int, entry["text"].split("×")))
        return None if shown == wanted else f"{entry} should be {wanted}"
    shown, step = _parse(entry["text"])
    scale = 1.0
    if entry["kind"] in ("mean", "max", "layer-mean", "layer-max"):
        scale = float(np.abs(numbers.case.values[entry["layer"]]).max())
    whole = isinstance(wanted, int) and step == 1
    tolerance = 0 if whole else step * 0.5001 + ENGINES * scale
    return None if abs(shown - wanted) <= tolerance else f"{entry} should be {wanted}"


def _parse(text: str) -> tuple[float, float]:
    """What «1,234.5 M parameters» says, and one step of its last digit."""
    match = re.match(r"[^\d+−-]*([+−-]?)([\d,]+)(\.\d+)?(e[+-]?\d+)?\s*(M\b|%)?", text)
    assert match, text
    sign, digits, decimals, exponent, unit = match.groups()
    factor = {"M": 1e6, "%": 1e-2, None: 1}[unit] * float(f"1{exponent or ''}")
    number = float(digits.replace(",", "") + (decimals or "")) * (-1 if sign in ("−", "-") else 1)
    return number * factor, 10.0 ** -(len(decimals or ".") - 1) * factor


def test_pixels_of_the_maps(case: Case, page_file: Path, open_page: OpenPage) -> None:
    page, rng = open_page(page_file), random.Random(1)
    colours = {tuple(colour): level for level, colour in enumerate(palette().tolist())}
    for layer in ("conv1/7x7_s2", "conv2/norm2", "inception_3b/5x5_reduce", "inception_4e/pool", "inception_5b/output"):
        search_for(page, layer)
        channel = rng.randrange(6)
        size, pixels, number = page.evaluate(
            """async at => {
              const image = document.querySelectorAll("#panel img.map")[at];
              await image.decode();
              const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
              const context = canvas.getContext("2d");
              context.drawImage(image, 0, 0);
              const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
              return [[canvas.height, canvas.width], btoa(String.fromCharCode(...data)), Number(image.dataset.channel)];
            }""",
            channel,
        )
        seen = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(*size, 4)
        levels = np.array([[colours[tuple(pixel[:3])] for pixel in row] for row in seen.tolist()])
        values = case.values[layer][number]
        np.testing.assert_allclose(levels, values / values.max() * 255, atol=0.55)


def test_printed_numbers_stand_beside_those_of_the_papers_network(tmp_path: Path, open_page: OpenPage) -> None:
    path = tmp_path / "paper.html"
    explore(model_of(paper(1000)), [], path)
    page = open_page(path)
    page.click("#tab-paper")
    found = page.evaluate(READ, "#panel")
    assert {entry["block"]: entry["text"] for entry in found if entry["kind"] == "printed-parameters"} == {
        block: f"{printed:g} K" for block, (printed, _) in TABLE_1.items()
    }
    assert {entry["block"]: entry["text"] for entry in found if entry["kind"] == "printed-operations"} == {
        block: f"{printed} M" for block, (_, printed) in TABLE_1.items()
    }
    totals = {entry["kind"]: entry["text"] for entry in found if entry["kind"].startswith("total")}
    assert totals == {"total-weights": "6,990,272", "total-macs": "1,582,671,872"}
    assert page.locator("#panel dl dt").count() == 8
