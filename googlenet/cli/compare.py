"""``googlenet compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from googlenet.cli.options import Json
from googlenet.cli.terminal import percent, print_json, progress, say, span
from googlenet.errors import SettingsError

if TYPE_CHECKING:
    from googlenet.evaluation.compare import Comparison


def compare(
    runs: Annotated[tuple[Path, ...], Parameter(negative="")],
    /,
    *,
    data: Path | None = None,
    split: Literal["train", "val", "test", "all"] = "test",
    html: Path | None = None,
    as_json: Json = False,
) -> None:
    """Set training runs side by side: figures, settings that differ, and whether one is really better.

    Parameters
    ----------
    runs
        folders that train made, or sealed models; two or more
    data
        judge all of them anew on these images, and test every two for a difference (McNemar)
    split
        which images of --data
    html
        write a page with the curves and the classes too
    """
    from googlenet.evaluation.compare import Comparison, pair_up, read_run

    if len(runs) < 2:
        raise SettingsError(f"one run is given, {runs[0]}; give two or more")
    if html is not None and not html.parent.is_dir():
        raise SettingsError(f"--html is {html}, but {html.parent} is no folder; make it first, or name another")
    found = tuple(read_run(run) for run in runs)
    comparison = Comparison(found)
    if data is not None:
        from googlenet.data.index import read_dataset

        seed, classes = found[0].settings.get("seed", 0), found[0].model.classes
        with progress("checking the images") as reading:
            dataset = read_dataset(data, seed=seed, classes=classes, progress=reading)
        with progress("judging") as judging:
            comparison = Comparison(found, pair_up(found, dataset, split=split, progress=judging))
    if html is not None:
        from googlenet.evaluation.compare_page import write_comparison

        write_comparison(comparison, html)
        say(f"page: {html}")
    if as_json:
        print_json(comparison.as_json())
    else:
        _show(comparison)


def _show(comparison: Comparison) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table("run", box=SIMPLE_HEAD)
    for title in ("test %", "95 %", "images", "validation %", "epochs", "pixels", "GMAC"):
        table.add_column(title, justify="right")
    for name, run in zip(comparison.names, comparison.as_json()["runs"], strict=True):
        test = run["test"]
        table.add_row(
            Text(name),
            percent(test["top1"]) if test else "–",
            span(test["intervals"]["top1"]) if test else "",
            str(test["images"]) if test else "–",
            percent(run["val_top1"]),
            "–" if run["epochs"] is None else f"{run['epochs']:.1f}",
            str(run["input_size"]),
            f"{run['macs'] / 1e9:.2f}",
        )
    console.print(table)
    for name, values in comparison.differences.items():
        print(f"{name}: " + ", ".join("–" if value is None else str(value) for value in values))
    if not comparison.same_data:
        say("note: not all were trained and tested on the same images and split; --data DATA judges them alike")
    for pair in comparison.pairs:
        print(pair.verdict)
