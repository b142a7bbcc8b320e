"""A comparison of runs as one HTML file: opens from disk, asks for nothing, runs no script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from googlenet.evaluation.compare import Comparison
from googlenet.saving import atomic_write

# Told apart by colour-blind eyes too, on white and on black (Okabe and Ito's, without black and yellow).
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 632, 10, 250  # pixels of the drawing
_MOST_CLASSES = 1000
_MEANINGFUL_TOP5 = 6  # classes


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write the page to ``path``; raises ``ModelFileError`` where that fails."""
    environment = Environment(loader=PackageLoader("googlenet.evaluation"), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"percent": _percent, "interval": _interval}
    page = environment.get_template("compare.html.j2").render(_content(comparison))
    atomic_write(path, [page.encode("utf-8", "backslashreplace")])


def _content(comparison: Comparison) -> dict[str, Any]:
    document = comparison.as_json()
    return {
        "runs": document["runs"],
        "names": comparison.names,
        "settings": document["settings"],
        "same_data": comparison.same_data,
        "pairs": comparison.pairs,
        "recalls": comparison.recalls[:_MOST_CLASSES],
        "top5": max(len(run.model.classes) for run in comparison.runs) >= _MEANINGFUL_TOP5,
        "colours": [_COLOURS[i % len(_COLOURS)] for i in range(len(comparison.runs))],
        **_drawing(comparison),
    }


def _drawing(comparison: Comparison) -> dict[str, Any]:
    """The curves of the validation accuracy, in pixels."""
    series = [[(row["epoch"], row["val_top1"]) for row in run.history] for run in comparison.runs]
    points = [point for line in series for point in line]
    if not points:
        return {"curves": [], "ticks": [], "epochs": 0}
    longest = max(epoch for epoch, _ in points)
    lowest = int(5 * min(0.9, *(accuracy for _, accuracy in points))) / 5

    def x(epoch: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * epoch / longest, 1)

    def y(accuracy: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (accuracy - lowest) / (1 - lowest), 1)

    curves = [
        {"colour": _COLOURS[i % len(_COLOURS)], "points": " ".join(f"{x(e)},{y(a)}" for e, a in line)}
        for i, line in enumerate(series)
        if line
    ]
    heights = [lowest + (1 - lowest) * part / 4 for part in range(5)]
    return {
        "curves": curves,
        "ticks": [{"y": y(height), "label": f"{100 * height:.0f} %"} for height in heights],
        "epochs": longest,
    }


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f} %"


def _interval(interval: list[float]) -> str:
    return f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f} %"
