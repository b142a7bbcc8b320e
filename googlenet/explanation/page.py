"""The explanations of several photographs as one HTML file that opens offline and needs no script."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from googlenet import __version__
from googlenet.data.listing import Skipped
from googlenet.explanation.overlay import AGAINST, FOR, draw_whole, shows_nearly_all
from googlenet.explanation.record import Entry
from googlenet.saving import atomic_write
from googlenet.weights.model_file import SealedModel

_BEST = 3  # classes shown of each head


def write_page(
    path: Path, entries: Iterable[Entry], model: SealedModel, *, command: str, skipped: Sequence[Skipped]
) -> None:
    """Write the page; ``entries`` may be lazy, and ``skipped`` may grow while they come.

    Raises ``ModelFileError`` when it cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("googlenet.explanation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "figure": _figure}
    content = {
        "photographs": (_photograph(entry, model) for entry in entries),
        "model": model,
        "command": command,
        "skipped": skipped,
        "version": __version__,
        "colours": (f"rgb{AGAINST}", f"rgb{FOR}"),
    }
    chunks = environment.get_template("explanation.html.j2").generate(content)
    atomic_write(path, (chunk.encode("utf-8", "backslashreplace") for chunk in chunks))


def _photograph(entry: Entry, model: SealedModel) -> dict[str, Any]:
    names = [name.name for name in model.classes]
    view = entry.view
    order = entry.probabilities.argsort(kind="stable")[::-1]
    heads = {"main": entry.probabilities} | entry.heads.probabilities
    return {
        "path": view.path,
        "answer": names[entry.answer],
        "probability": float(entry.probabilities[entry.answer]),
        "runner_up": None if entry.runner_up is None else names[entry.runner_up],
        "runner_up_probability": float(entry.probabilities[order[1]]) if len(order) > 1 else 0.0,
        "seen": _data_uri(view.seen if shows_nearly_all(view) else draw_whole(view, view.seen)),
        "whole": None if entry.whole is None else _file_uri(entry.whole),
        "maps": [(picture, _file_uri(picture.file)) for picture in entry.pictures],
        "heads": [(head, list(_best(p, names))) for head, p in heads.items()],
        "absent": entry.heads.absent,
    }


def _best(probabilities: Any, names: Sequence[str]) -> Iterator[tuple[str, float]]:
    for i in (-probabilities).argsort(kind="stable")[:_BEST]:
        yield names[i], float(probabilities[i])


def _file_uri(path: Path) -> str:
    with Image.open(path) as image:
        return _data_uri(image)


def _data_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=88)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"


def _figure(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
