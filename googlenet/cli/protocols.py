"""The table of what several models and crops bring, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from googlenet.cli.terminal import percent, span

if TYPE_CHECKING:
    from googlenet.evaluation.protocol import Protocol


def show_protocols(rows: Sequence[Protocol], *, top5: bool) -> None:
    """Accuracy (``top5``: that one too) against cost, a line for each choice of models and crops; nothing without."""
    if not rows:
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    names = _short_names([model for row in rows for model in row.models])
    if len(names) > 1:
        table.add_column("models")
    for title in ("crops", "top-1 % (95 %)", *["top-5 % (95 %)"] * top5, "GMAC/image", "s/image"):
        table.add_column(title, justify="right")
    for row in rows:
        models = names[row.models[0]] if len(row.models) == 1 else f"all {len(row.models)}"
        table.add_row(
            *[Text(models)] * (len(names) > 1),
            str(row.crops),
            f"{percent(row.top1)} ({span(row.top1_interval)})",
            *[f"{percent(row.top5)} ({span(row.top5_interval)})"] * top5,
            f"{row.macs / 1e9:.1f}",
            f"{row.seconds:.3f}",
        )
    Console(highlight=False).print(table)


def _short_names(paths: Sequence[str]) -> dict[str, str]:
    """Each path without the parts, at its beginning and end, that all of them have."""
    parts = {path: Path(path).parts for path in paths}
    if len(parts) == 1:
        return {path: path for path in paths}
    first = _common_length(parts.values())
    last = _common_length(row[first:][::-1] for row in parts.values())
    return {path: str(Path(*row[first : len(row) - last])) for path, row in parts.items()}


def _common_length(rows: Iterable[Sequence[str]]) -> int:
    """How many words all rows begin with alike."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False)))
