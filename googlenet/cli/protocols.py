"""The table of what several models and crops bring, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from googlenet.cli.terminal import MEANINGFUL_TOP5, percent, print_json, show_evaluation, span
from googlenet.evaluation.short_names import short_names

if TYPE_CHECKING:
    from googlenet.ensemble import Ensemble
    from googlenet.evaluation.early_exit import ExitFigures
    from googlenet.evaluation.protocol import Protocol


def show_early_exit(exits: ExitFigures) -> None:
    """Who leaves where, and whether that pays."""
    for head, share, right in zip(("aux1", "aux2", "the end"), exits.shares, exits.right, strict=True):
        print(f"{percent(share)} % leave at {head}" + (f", {percent(right)} % of these right" if share else ""))
    print(f"top-1 {percent(exits.top1)} % instead of {percent(exits.whole_top1)} %")
    print(f"work {percent(exits.macs / exits.whole_macs)} % of the multiply-accumulates")
    print(f"time {1000 * exits.seconds:.1f} instead of {1000 * exits.whole_seconds:.1f} ms per image, in the network")
    print(exits.verdict)


def show_ensemble(ensemble: Ensemble, *, as_json: bool) -> None:
    """What training several members left behind."""
    if as_json:
        print_json(ensemble.as_json())
        return
    if ensemble.together is not None:
        show_evaluation(ensemble.together)
        classes = len(ensemble.together.model.classes)
        show_protocols(ensemble.together.protocols, top5=classes >= MEANINGFUL_TOP5)
    for run in ensemble.members:
        print(f"model:  {run.model}")
    print(f"time:   {ensemble.seconds / 60:.1f} minutes")


def show_protocols(rows: Sequence[Protocol], *, top5: bool) -> None:
    """Accuracy (``top5``: that one too) against cost, a line for each choice of models and crops; nothing without."""
    if not rows:
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    names = short_names([model for row in rows for model in row.models])
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
