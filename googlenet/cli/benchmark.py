"""``googlenet benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, progress, say

if TYPE_CHECKING:
    from googlenet.benchmark.figures import Benchmark, Latency


def benchmark(
    model: Path,
    /,
    *,
    photographs: Path | None = None,
    engine: tuple[str, ...] = (),
    threads: int | None = None,
    rounds: int = 3,
    out: Path | None = None,
    as_json: Json = False,
) -> None:
    """Measure how fast a model answers on this machine, engine by engine.

    Latency of one image, throughput by batch, both of prepared images and from JPEGs; cold start, memory, and how far
    the answers are from the first engine's. Takes about half a minute per engine; leave the machine alone meanwhile.

    Parameters
    ----------
    model
        a sealed model or a foreign checkpoint
    photographs
        a folder of JPEGs to decode; one is made by default
    engine
        only this one; may be given several times
    threads
        of each engine; one per usable core by default
    rounds
        how often the engines are measured in turns
    out
        draw the figures into this .svg or .png file
    """
    from googlenet.benchmark.draw import check_format, write_picture
    from googlenet.benchmark.measure import benchmark as measure

    if out is not None:
        check_format(out)
    with progress("measuring") as measuring:
        found = measure(
            model, photographs=photographs, engines=engine, threads=threads, rounds=rounds, progress=measuring
        )
    if out is not None:
        write_picture(found, out)
        say(f"picture: {out}")
    if as_json:
        print_json(found.as_json())
    else:
        show(found)


def show(found: Benchmark) -> None:
    """Print the table."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    print(f"{found.model}: {found.variant} at {found.image_size} px, {found.file_size / 1e6:.1f} MB")
    print(f"{found.machine}, {found.threads} threads; {found.rounds} rounds in turns; {found.photographs}")
    # Close together, so that all figures are whole in a terminal of 80 columns.
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column("engine", no_wrap=True)
    titles = (
        "one image, ms\np50/p90/p99",
        "from JPEG, ms\np50/p90/p99",
        "images/s\n(batch)",
        "from\nJPEGs",
        "start\ns",
        "peak\nMB",
        "differs\nby",
    )
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for row in found.figures:
        table.add_row(
            row.name,
            _percentiles(row.latency),
            _percentiles(row.latency_from_jpeg),
            f"{row.throughput[row.best_batch]:.0f} ({row.best_batch})",
            f"{row.throughput_from_jpeg:.0f}",
            f"{row.cold_start:.1f}",
            "–" if row.memory is None else f"{row.memory / 1e6:.0f}",
            f"{row.difference:.0e}",
        )
    Console(highlight=False).print(table)
    for name, reason in found.left_out.items():
        say(f"left out {name}: {reason}")


def _percentiles(latency: Latency) -> str:
    return "/".join(
        f"{value:.0f}" if value >= 100 else f"{value:.1f}" for value in (latency.p50, latency.p90, latency.p99)
    )
