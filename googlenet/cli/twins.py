"""``googlenet twins``."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, progress, say, say_skipped
from googlenet.errors import SettingsError

if TYPE_CHECKING:
    from googlenet.twins.compare import LayerDifference, Twins


def twins(
    model: Path,
    data: Path,
    /,
    *,
    steps: int = 20,
    batch_size: int = 16,
    out: Path | None = None,
    as_json: Json = False,
) -> None:
    """Run a model in PyTorch and in TensorFlow on the same images and say where the two differ.

    Every layer's activations and gradients, the logits, the losses of some plain SGD steps and the weights after them,
    in float32 on the processor; beside the gradients, how far each is from PyTorch in float64. Exit code 0 where the
    two agree, 1 where activations differ by more than 1e-4 or losses or weights by more than 1e-3.

    Parameters
    ----------
    model
        a sealed model or a foreign checkpoint
    data
        a folder or a CSV as for train, of the model's classes
    steps
        of training, without dropout
    batch_size
        images per step
    out
        write an HTML file with the curves and every layer
    """
    from googlenet.data.index import read_dataset
    from googlenet.twins.process import SIDES
    from googlenet.twins.run import twins as run
    from googlenet.weights.convert import open_model

    if out is not None and not out.parent.is_dir():
        raise SettingsError(f"--out is {out}, but {out.parent} is no folder; make it first, or name another")
    sealed = open_model(model)
    with progress("checking the images") as reading:
        dataset = read_dataset(data, classes=sealed.classes, progress=reading)
    with ExitStack() as bars:
        preparing = bars.enter_context(progress("preparing the images"))
        computing = {side: bars.enter_context(progress(title)) for side, title in SIDES.items()}
        found = run(sealed, dataset, steps=steps, batch_size=batch_size, preparing=preparing, computing=computing)
    if out is not None:
        from googlenet.twins.draw import write_page

        write_page(found, out, str(model), shlex.join(["googlenet", *sys.argv[1:]]))
        say(f"page: {out}")
    if as_json:
        print_json(found.as_json())
    else:
        _show(found)
        say_skipped(dataset.skipped, len(dataset))
    if not found.agree:
        sys.exit(1)


def _show(found: Twins) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    versions = ", ".join(f"{name} {number}" for name, number in found.versions.items())
    print(f"{found.variant} at {found.image_size} px, float32, {found.images} images; {versions}")
    print("largest differences between PyTorch and TensorFlow, relative to the layer's largest value:")
    console.print(_layer_table(found))
    console.print(_loss_table(found))
    worst, difference = found.worst_weight
    print(f"weights after it: {difference:.1e} (most in {worst}); training moved them by up to {found.moved:.1e}")
    print(found.verdict)


def _layer_table(found: Twins) -> Any:
    """A row per block, with its worst layer: a network has a hundred layers, which --out and --json list."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    table.add_column("block", no_wrap=True)
    for title in ("activations", "gradients", "gradients of PyTorch from float64's", "of TensorFlow from float64's"):
        table.add_column(title, justify="right")
    blocks: dict[str, list[LayerDifference]] = {}
    for layer in found.layers:
        blocks.setdefault(layer.name.split("/")[0], []).append(layer)
    for block, layers in blocks.items():
        figures = [
            max((value for layer in layers if (value := getattr(layer, name)) is not None), default=None)
            for name in ("activation", "gradient", "torch_from_float64", "tensorflow_from_float64")
        ]
        table.add_row(block, *("" if value is None else f"{value:.1e}" for value in figures))
    for head, value in found.logits.items():
        table.add_row(f"logits of {head}", f"{value:.1e}")
    return table


def _loss_table(found: Twins) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("step", box=SIMPLE_HEAD)
    for title in ("loss, PyTorch", "loss, TensorFlow", "difference", "PyTorch from float64's"):
        table.add_column(title, justify="right")
    rows = zip(found.torch_losses, found.tensorflow_losses, found.loss_differences, found.rounding, strict=True)
    for step, (ours, theirs, difference, rounding) in enumerate(rows, 1):
        table.add_row(str(step), f"{ours:.6f}", f"{theirs:.6f}", f"{difference:.1e}", f"{rounding:.1e}")
    return table
