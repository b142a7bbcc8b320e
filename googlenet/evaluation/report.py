"""An evaluation as one HTML file: opens from disk, asks for nothing, runs no script."""

from __future__ import annotations

import base64
import io
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from googlenet.data.decode import decode
from googlenet.errors import ImageError
from googlenet.evaluation.evaluate import Evaluation
from googlenet.saving import atomic_write
from googlenet.trust.intervals import Interval

_MOST_MISTAKES = 24
_THUMBNAIL = 224  # pixels
_WHOLE_MATRIX = 30  # classes; beyond that only the most confused pairs are shown
_MOST_PAIRS = 30
_MOST_ROWS = 1000


def write_report(evaluation: Evaluation, path: Path, command: str) -> None:
    """Write the report to ``path``; ``command`` is what repeats it. Raises ``ModelFileError`` where that fails."""
    # Autoescape: a class or a file may be called <script>.
    environment = Environment(loader=PackageLoader("googlenet.evaluation"), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"percent": _percent, "interval": _interval, "count": _count}
    page = environment.get_template("report.html.j2").render(_content(evaluation, command))
    atomic_write(path, [page.encode("utf-8", "backslashreplace")])


def _content(evaluation: Evaluation, command: str) -> dict[str, Any]:
    figures, record = evaluation.figures, evaluation.model.record
    settings = record.get("settings")
    return {
        "figures": figures,
        "evaluation": evaluation,
        "classes": [name.name for name in evaluation.model.classes],
        "folded": sum(row.images > 0 for row in figures.per_class) > _WHOLE_MATRIX,
        "rows": [row for row in figures.per_class if row.images or row.precision is not None][:_MOST_ROWS],
        "absent": [row.name for row in figures.per_class if not row.images],
        "matrix": _matrix(evaluation) if len(evaluation.model.classes) <= _WHOLE_MATRIX else None,
        "pairs": _confused_pairs(evaluation),
        "mistakes": _mistakes(evaluation),
        "mistake_count": int((evaluation.answers.rank > 0).sum()),
        "skipped": evaluation.skipped,
        "curves": _curves(record.get("history")),
        "settings": settings if isinstance(settings, dict) else {},
        "preprocessing": evaluation.preprocessing.model_dump(mode="json"),
        "fingerprint": evaluation.dataset.fingerprint(),
        "version": version("googlenet"),
        "command": command,
    }


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f} %"


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f} %"


def _matrix(evaluation: Evaluation) -> list[list[tuple[int, float]]]:
    """Per cell the count and the share of its row, 0–1, which is how dark it is drawn."""
    confusion = evaluation.figures.confusion
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    return [list(zip(row.tolist(), share.tolist(), strict=True)) for row, share in zip(confusion, shares, strict=True)]


def _confused_pairs(evaluation: Evaluation) -> list[tuple[str, str, int]]:
    """What was taken for what, how often, the most frequent first."""
    wrong = evaluation.figures.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_PAIRS]
    names = [name.name for name in evaluation.model.classes]
    cells = [divmod(int(cell), len(names)) for cell in order]
    return [(names[i], names[j], int(wrong[i, j])) for i, j in cells if wrong[i, j]]


def _mistakes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The wrong answers that were given with the greatest confidence, with their photographs."""
    answers, names = evaluation.answers, [name.name for name in evaluation.model.classes]
    wrong = np.flatnonzero(answers.rank > 0)
    wrong = wrong[np.argsort(-answers.confidence[wrong], kind="stable")][:_MOST_MISTAKES]
    return [
        {
            "path": evaluation.dataset.paths[answers.indices[i]],
            "image": _thumbnail(evaluation.dataset.path(int(answers.indices[i]))),
            "label": names[answers.labels[i]],
            "answer": names[answers.predicted[i]],
            "confidence": float(answers.confidence[i]),
            "true_probability": float(answers.true_probability[i]),
        }
        for i in wrong
    ]


def _thumbnail(path: Path) -> str:
    """The photograph, small, as a data URI; empty when the file has gone since."""
    try:
        image = decode(path, orientation="exif", draft_size=_THUMBNAIL)
    except ImageError:
        return ""
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _curves(history: Any) -> str:
    """Accuracy and loss over the epochs as SVG text; empty for fewer than two epochs."""
    entries = [entry for entry in history if _is_epoch(entry)] if isinstance(history, list) else []
    if len(entries) < 2:
        return ""
    from matplotlib import rc_context

    # Text stays text, in the page's own font; without a salt the names inside differ from run to run.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "googlenet", "font.family": "sans-serif"}):
        return _draw(entries)


def _is_epoch(entry: Any) -> bool:
    return isinstance(entry, dict) and "epoch" in entry and all(isinstance(v, int | float) for v in entry.values())


def _draw(history: list[dict[str, float]]) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.8), layout="constrained")
    figure.patch.set_alpha(0)
    epochs = [entry["epoch"] for entry in history]
    accuracy, loss = figure.subplots(1, 2)
    lines = [(accuracy, "top1", "training"), (accuracy, "val_top1", "validation")]
    lines += [(loss, f"loss_{head}", head) for head in ("main", "aux1", "aux2")]
    for axes, name, label in lines:
        if any(name in entry for entry in history):
            axes.plot(epochs, [entry.get(name, float("nan")) for entry in history], label=label)
    for axes, title in ((accuracy, "accuracy"), (loss, "training loss of each head")):
        axes.set(title=title, xlabel="epoch")
        axes.patch.set_alpha(0)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            axes.legend(frameon=False)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
