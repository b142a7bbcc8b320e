"""``googlenet explore``: a model and photographs -> the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from googlenet.errors import SettingsError
from googlenet.explorer.look import Looker
from googlenet.explorer.page import LANGUAGES, page_html
from googlenet.saving import atomic_write
from googlenet.weights.model_file import SealedModel

Progress = Callable[[int, int], None]


def explore(
    model: SealedModel,
    images: Sequence[Path],
    out: Path,
    *,
    language: str = "en",
    progress: Progress = lambda done, total: None,
) -> int:
    """Write the explorer of ``model`` at work on ``images`` to ``out``; returns its size in bytes.

    Without images the page shows the network alone. ``progress`` is told how many images are done, and of how many.
    Raises ``ImageError`` for an image that cannot be read, ``SettingsError`` for another language than ``en`` and
    ``zh`` or an ``out`` that is no .html file, ``ModelFileError`` where it cannot be written.
    """
    if language not in LANGUAGES:
        raise SettingsError(f"--lang is {language!r}; known are: {', '.join(LANGUAGES)}")
    if out.suffix.lower() not in (".html", ".htm"):  # or a slip would write over a model
        raise SettingsError(f"--out is {out}, but the explorer is a page; give it the ending .html")
    looker, looks = Looker(model), []
    for done, image in enumerate(images):
        progress(done, len(images))
        looks.append(looker.look(image))
    progress(len(images), len(images))
    page = page_html(model, looks, language=language).encode("utf-8", "backslashreplace")
    atomic_write(out, [page])
    return len(page)
