"""The comparison as one HTML file: opens from disk, asks for nothing, runs no script."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from googlenet.saving import atomic_write
from googlenet.twins.compare import ACTIVATION_BAR, TRAINING_BAR, Twins

_LEAST = 1e-9  # what a difference of nothing is drawn as, on axes that know no zero


def write_page(found: Twins, path: Path, model: str, command: str) -> None:
    """Write the page to ``path``; ``command`` is what repeats it. Raises ``ModelFileError`` where that fails."""
    environment = Environment(loader=PackageLoader("googlenet.twins"), autoescape=True, undefined=StrictUndefined)
    environment.filters["power"] = _power
    page = environment.get_template("twins.html.j2").render(
        found=found, model=model, command=command, losses=loss_curves(found), layers=layer_curves(found)
    )
    atomic_write(path, [page.encode("utf-8", "backslashreplace")])


def loss_curves(found: Twins) -> tuple[str, str]:
    """SVG texts: the losses of both, and how far they are apart at each step."""
    steps = range(1, len(found.torch_losses) + 1)
    figure, losses = _figure("loss of each step", "step")
    losses.plot(steps, found.torch_losses, label="PyTorch", linewidth=3, alpha=0.5)
    losses.plot(steps, found.tensorflow_losses, label="TensorFlow", linestyle="--", color="black")
    losses.legend(frameon=False)
    far, differences = _figure("difference, relative to the loss", "step", yscale="log")
    differences.plot(steps, _drawable(found.loss_differences), marker="o", markersize=3, label="PyTorch – TensorFlow")
    differences.plot(steps, _drawable(found.rounding), "x:", markersize=4, label="PyTorch – float64")
    differences.legend(frameon=False, fontsize="small")
    _bar(differences, TRAINING_BAR)
    for axes in (losses, differences):
        axes.xaxis.get_major_locator().set_params(integer=True)
    return _svg(figure), _svg(far)


def layer_curves(found: Twins) -> tuple[str, str]:
    """SVG texts: the differences of activations and of gradients, layer after layer."""
    figure, activations = _figure("activations", "layer, from the first to the last", yscale="log")
    activations.plot(_drawable([layer.activation for layer in found.layers]), marker=".", linewidth=0.8)
    _bar(activations, ACTIVATION_BAR)
    jumps, gradients = _figure("gradients", "layer with weights, from the first to the last", yscale="log")
    rows = [layer for layer in found.layers if layer.gradient is not None]
    lines = {
        "PyTorch – TensorFlow": [layer.gradient or 0.0 for layer in rows],
        "PyTorch – float64": [layer.torch_from_float64 or 0.0 for layer in rows],
        "TensorFlow – float64": [layer.tensorflow_from_float64 or 0.0 for layer in rows],
    }
    for (label, values), marker in zip(lines.items(), ("o", "x", "+"), strict=True):
        gradients.plot(_drawable(values), marker, label=label, markersize=4, fillstyle="none")
    gradients.legend(frameon=False, fontsize="small")
    return _svg(figure), _svg(jumps)


def _figure(title: str, below: str, **settings: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(title=title, xlabel=below, **settings)
    return figure, axes


def _bar(axes: Any, height: float) -> None:
    axes.axhline(height, color="crimson", linewidth=1, linestyle=":")
    axes.annotate(f"bar {height:.0e}", (1, height), xycoords=("axes fraction", "data"), ha="right", va="bottom")


def _drawable(values: Sequence[float]) -> list[float]:
    return [max(value, _LEAST) for value in values]


def _svg(figure: Any) -> str:
    from matplotlib import rc_context

    text = io.StringIO()
    # Text stays text, in the page's own font; without a salt the names inside differ from run to run.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "googlenet", "font.family": "sans-serif"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _power(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.1e}"
