"""The page as a reader uses it, in a real browser: pointer, keyboard, both languages, light, dark, wide, narrow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from googlenet.explorer.explore import explore
from googlenet.explorer.page import texts
from googlenet.variants import batch_norm, naive, torchvision
from tests.explorer.browser import OpenPage, keep, layer_names, search_for
from tests.explorer.conftest import HOSTILE, data_of, model_of

TABS = ("layer", "evidence", "heads", "reductions", "paper")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def page_file(picture: Path, folder: Path) -> Path:
    """A network with heads, and two photographs."""
    path = folder / "page.html"
    explore(model_of(batch_norm(6).scaled(1 / 16), 128), [picture, picture], path)
    return path


@pytest.fixture(scope="module")
def bare_file(picture: Path, folder: Path) -> Path:
    """Two classes and no heads, where «5×5» is 3×3."""
    path = folder / "bare.html"
    explore(model_of(torchvision(2, aux_heads=False).scaled(1 / 16), 96), [picture], path)
    return path


def _shown(page: Any) -> dict[str, str]:
    """The answer: class -> probability as it is written."""
    pairs: list[list[str]] = page.evaluate(
        """[...document.querySelectorAll("#answer .opinion > li")].map(
             li => [li.querySelector(".class-name").textContent, li.querySelector(".value").textContent])"""
    )
    return dict(pairs)


def test_a_branch_switched_off_and_on_again(page_file: Path, open_page: OpenPage, folder: Path) -> None:
    data, page = data_of(page_file), open_page(page_file)
    before = _shown(page)
    page.click("[data-block=inception_4c]")
    page.click(".module-branch:nth-child(2) [role=switch]")
    wanted = data["pictures"][0]["switches"]["inception_4c"]["branches"]["1011"]
    names = data["model"]["classes"]
    assert _shown(page) == {names[i]: f"{100 * p:.2f} %" for i, p in wanted[:5]}
    assert _shown(page) != before
    assert "3×3" in page.inner_text(".off-note")
    assert page.locator("#network .row.off").count() == 1  # in the drawing of the whole as well
    assert page.get_attribute(".module-branch:nth-child(2) [role=switch]", "aria-checked") == "false"
    keep(page, "branch-off", folder)
    page.click(".module-branch:nth-child(4) [role=switch]")
    wanted = data["pictures"][0]["switches"]["inception_4c"]["branches"]["1010"]
    assert _shown(page) == {names[i]: f"{100 * p:.2f} %" for i, p in wanted[:5]}
    page.click(".channel:nth-child(2) [role=switch]")  # one thing at a time: the branches are on again
    assert re.search(r"channel \d+", page.inner_text(".off-note"))
    page.click("[data-key='all on']")
    assert _shown(page) == before


def test_the_tour_tells_ten_things(page_file: Path, open_page: OpenPage, folder: Path) -> None:
    page = open_page(page_file)
    page.click("[data-key=tour]")
    titles = []
    for step in range(10):
        titles.append(page.inner_text("#tour h2"))
        assert page.locator(".spoken-of").count() == 1
        assert f"{step + 1} of 10" in page.inner_text("#tour")
        if step == 7:
            assert page.locator(".off-note").count() == 1
            keep(page, "tour", folder)
        page.click("#tour .tour-buttons button:nth-child(2)")
    assert titles == [texts("en")[f"tour.{i}.title"] for i in range(1, 11)]
    assert page.locator("#tour").is_hidden()
    assert page.locator(".off-note").count() == 0
    assert page.evaluate("document.activeElement.dataset.key") == "tour"


def test_chinese_everywhere_and_back(page_file: Path, open_page: OpenPage, folder: Path) -> None:
    page = open_page(page_file)
    english = page.inner_text("body")
    page.click("[data-key=language]")
    assert page.get_attribute("html", "lang") == "zh"
    assert page.inner_text("h1") == texts("zh")["page.title"]
    names = {*layer_names(page), *data_of(page_file)["model"]["classes"], "batch_norm", "Inception"}
    names |= {name.split("/")[0] for name in names}
    for tab in TABS:
        page.click(f"#tab-{tab}")
        words = page.inner_text("#panel")
        for name in sorted(names, key=len, reverse=True):
            words = words.replace(name, "")
        assert not re.search("[A-Za-z]{4,}", words.replace("MACs", ""))
    page.click("#tab-layer")
    keep(page, "chinese", folder)
    page.click("[data-key=language]")
    assert page.inner_text("body") == english


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark(page_file: Path, open_page: OpenPage, folder: Path, dark: bool) -> None:
    page = open_page(page_file, dark=dark)
    assert _is_dark(page) == dark
    for tab in TABS:
        page.click(f"#tab-{tab}")
        assert _low_contrast(page) == []
        keep(page, f"{tab}-{'dark' if dark else 'light'}", folder)
    page.click("[data-key=scheme]")
    assert _is_dark(page) != dark


def _is_dark(page: Any) -> bool:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) < 3 * 128


def _low_contrast(page: Any) -> list[str]:
    """Words whose colour and ground differ by less than 4.5 to 1 (WCAG 2.2, AA); words over pictures left out."""
    found: list[str] = page.evaluate(
        """() => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
          const rgba = colour => {
            canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
          };
          const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
          const light = rgb => {
            const [r, g, b] = rgb.slice(0, 3).map(v => linear(v / 255));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = e => {
            for (; e; e = e.parentElement) {
              const colour = rgba(getComputedStyle(e).backgroundColor);
              if (colour[3] > 250) return colour;
            }
            return [255, 255, 255];
          };
          const low = [];
          for (const e of document.querySelectorAll("body *")) {
            const words = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
            if (!words || !e.checkVisibility()) continue;
            if (e.closest(".photograph, script, noscript, :disabled, .skip")) continue;
            const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
            const ratio = (a + 0.05) / (b + 0.05);
            if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className} ${e.textContent.slice(0, 30)}`);
          }
          return low;
        }"""
    )
    return found


def test_with_the_keyboard_alone(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file)

    def key(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(attribute: str) -> str | None:
        found: str | None = page.evaluate("name => document.activeElement.getAttribute(name)", attribute)
        return found

    key("Tab")
    assert focused("class") == "skip"
    key("/")
    assert focused("id") == "search"
    page.keyboard.type("4e/5x5")
    key("ArrowDown", "Enter")
    assert page.inner_text("#panel h3 code") == "inception_4e/5x5_reduce"
    for _ in range(20):
        key("Tab")
        if focused("data-block"):
            break
    assert focused("data-block") == "inception_4e"
    key("ArrowRight", "ArrowRight", "Enter")
    assert page.inner_text("#panel h2") == "Inception 5a"
    assert focused("data-block") == "inception_5a"  # what is drawn anew keeps the focus
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    key("Tab")
    assert focused("role") == "tab"
    key("ArrowRight", "ArrowRight", "ArrowRight", "Enter")
    assert page.get_attribute("#tab-reductions", "aria-selected") == "true"
    for _ in range(20):
        key("Tab")
        if focused("role") == "switch":
            break
    key("Space")
    assert focused("aria-checked") == "false"
    page.focus("[data-key=tour]")
    key("Enter", "ArrowRight", "ArrowRight")
    assert "3 of 10" in page.inner_text("#tour")
    key("ArrowLeft")
    assert "2 of 10" in page.inner_text("#tour")
    key("Escape")
    assert page.locator("#tour").is_hidden()
    assert focused("data-key") == "tour"


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone(page_file: Path, open_page: OpenPage, folder: Path, dark: bool) -> None:
    page = open_page(page_file, width=390, height=844, dark=dark)
    for tab in TABS:
        page.click(f"#tab-{tab}")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        keep(page, f"phone-{tab}-{'dark' if dark else 'light'}", folder)
    page.click("[data-block=inception_5b]")
    page.click(".module-branch:nth-child(2) [role=switch]")
    assert page.locator(".now-line").is_visible()  # the answer, where the switches are
    small = page.evaluate(
        """[...document.querySelectorAll("button, input")].filter(e => e.checkVisibility())
             .filter(e => e.getBoundingClientRect().height < 24).map(e => e.outerHTML.slice(0, 90))"""
    )
    assert small == []


def test_what_a_screen_reader_gets(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file)
    for tab in TABS:
        page.click(f"#tab-{tab}")
        nameless = page.evaluate(
            """[...document.querySelectorAll("button, input, select, a, [role=img], main, nav, aside, [role=region]")]
                 .filter(e => e.checkVisibility() && !e.closest("[aria-hidden=true]") && e.id !== "detail")
                 .filter(e => !(e.getAttribute("aria-label") || e.textContent || e.labels?.length))
                 .map(e => e.outerHTML.slice(0, 90))"""
        )
        assert nameless == []
        assert page.evaluate("[...document.images].filter(e => !e.hasAttribute('alt')).length") == 0
        assert page.evaluate("document.querySelectorAll('[id]').length") == page.evaluate(
            "new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
        )
        levels = page.evaluate("[...document.querySelectorAll('main h2, main h3, main h4')].map(e => +e.tagName[1])")
        assert levels[0] == 2
    tree = page.locator("body").aria_snapshot()
    for role in ("banner", "navigation", "main", "complementary", "tablist", "tabpanel", "contentinfo"):
        assert role in tree
    assert "loss1" in tree


def test_search_finds_every_layer(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file)
    for layer in layer_names(page)[::7]:
        search_for(page, layer)
        assert page.inner_text("#panel h3 code") == layer
        assert page.locator(f"#panel [data-layer='{layer}']").count() >= (0 if layer.endswith("output") else 1)
    page.fill("#search", "no such layer")
    assert page.inner_text("#found") == texts("en")["search.nothing"]


def test_another_photograph(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file)
    assert page.locator("[data-key=picture] option").count() == 2
    page.select_option("[data-key=picture]", "1")
    assert page.locator("#answer .opinion li").count() == 5


def test_without_heads_and_with_a_hostile_class(bare_file: Path, open_page: OpenPage, folder: Path) -> None:
    page = open_page(bare_file)
    page.click("#tab-heads")
    assert page.inner_text("#panel .absent") == texts("en")["heads.none"]
    assert HOSTILE.strip() in " ".join(page.locator("#answer .class-name").all_text_contents())
    assert page.locator("#answer .opinion li").count() == 2
    assert page.locator("body img[src=x]").count() == 0
    page.click("#tab-layer")
    assert "3×3" in page.inner_text(".module-branch:nth-child(3)")
    keep(page, "two-classes", folder)


def test_naive_without_a_photograph(tmp_path: Path, open_page: OpenPage) -> None:
    explore(model_of(naive(4, aux_heads=False).scaled(1 / 32), 96), [], tmp_path / "naive.html", language="zh")
    page = open_page(tmp_path / "naive.html")
    assert page.get_attribute("html", "lang") == "zh"
    assert page.locator("#panel [role=switch]").count() == 0
    for tab in TABS:
        page.click(f"#tab-{tab}")
    page.click("#tab-reductions")
    assert page.inner_text("#panel .absent") == texts("zh")["reductions.naive_model"]
    page.click("[data-key=tour]")
    for _ in range(10):
        page.click("#tour .tour-buttons button:nth-child(2)")
    assert page.locator("#tour").is_hidden()


def test_scripts_switched_off(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file, scripts=False)
    assert texts("en")["page.noscript"] in page.inner_text("body")
    assert texts("zh")["page.noscript"] in page.inner_text("body")


def test_the_page_may_ask_for_nothing(page_file: Path, open_page: OpenPage) -> None:
    """Not only does it not: its own policy forbids it."""
    page = open_page(page_file)
    policy = page.get_attribute("meta[http-equiv=Content-Security-Policy]", "content")
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
