"""A real browser for the pages: Chromium by Playwright, told at once when a page complains or asks for anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(chromium: Any) -> Iterator[OpenPage]:
    """``open_page(path, width=390, dark=True)``; whatever a page logs or asks for fails the test."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def open_(path: Path, *, width: int = 1280, height: int = 900, dark: bool = False, scripts: bool = True) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url == path.as_uri() or complaints.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def layer_names(page: Any) -> list[str]:
    names: list[str] = page.evaluate(
        "JSON.parse(document.getElementById('data').textContent).network.blocks.flatMap(b => b.layers.map(l => l.name))"
    )
    return names


def search_for(page: Any, layer: str) -> None:
    page.fill("#search", layer)
    page.press("#search", "Enter")


def keep(page: Any, name: str, folder: Path) -> None:
    """A screenshot, kept where GOOGLENET_ARTEFACTS names a folder."""
    target = Path(os.environ.get("GOOGLENET_ARTEFACTS", folder))
    target.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target / f"explorer-{name}.png", full_page=True)
