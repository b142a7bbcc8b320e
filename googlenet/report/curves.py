"""The course of the training as a drawing."""

from __future__ import annotations

import io
import warnings
from typing import Any

from googlenet.report.words import Say


def curves(history: Any, say: Say) -> str:
    """Accuracy and loss over the epochs as SVG text; empty for fewer than two epochs."""
    entries = [entry for entry in history if _is_epoch(entry)] if isinstance(history, list) else []
    if len(entries) < 2:
        return ""
    from matplotlib import rc_context

    # Text stays text, in the page's own font; without a salt the names inside differ from run to run.
    with (
        rc_context({"svg.fonttype": "none", "svg.hashsalt": "googlenet", "font.family": "sans-serif"}),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of glyphs that its own font lacks: the browser has them
        return _draw(entries, say)


def _is_epoch(entry: Any) -> bool:
    return isinstance(entry, dict) and "epoch" in entry and all(isinstance(v, int | float) for v in entry.values())


def _draw(history: list[dict[str, float]], say: Say) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.8), layout="constrained")
    figure.patch.set_alpha(0)
    epochs = [entry["epoch"] for entry in history]
    accuracy, loss = figure.subplots(1, 2)
    lines = [(accuracy, "top1", say("training", "训练")), (accuracy, "val_top1", say("validation", "验证"))]
    lines += [(loss, f"loss_{head}", head) for head in ("main", "aux1", "aux2")]
    for axes, name, label in lines:
        if any(name in entry for entry in history):
            axes.plot(epochs, [entry.get(name, float("nan")) for entry in history], label=label)
    for axes, title in (
        (accuracy, say("accuracy", "准确率")),
        (loss, say("training loss of each head", "各分类头的训练损失")),
    ):
        axes.set(title=title, xlabel=say("epoch", "轮次"))
        axes.patch.set_alpha(0)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            axes.legend(frameon=False)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
