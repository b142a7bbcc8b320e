"""The figures as a picture: latencies as bars with their tails, throughput over the batch."""

from __future__ import annotations

import io
from pathlib import Path

from googlenet.benchmark.figures import Benchmark
from googlenet.errors import SettingsError
from googlenet.saving import atomic_write

FORMATS = (".svg", ".png")


def check_format(path: Path) -> None:
    """Raise ``SettingsError`` unless ``path`` can be drawn: before minutes are spent on measuring."""
    if path.suffix not in FORMATS:
        raise SettingsError(f"--out is {path}, which ends in {path.suffix!r}; give .svg or .png")
    if not path.parent.is_dir():
        raise SettingsError(f"--out is {path}, but {path.parent} is no folder; make it first, or name another")


def write_picture(found: Benchmark, path: Path) -> None:
    """Write the picture to ``path``; raises what ``check_format`` raises, and ``ModelFileError``."""
    check_format(path)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    bars, lines = figure.subplots(1, 2)
    rows = found.figures
    for shift, title, name in ((-0.2, "prepared image", "latency"), (0.2, "from JPEG bytes", "latency_from_jpeg")):
        latencies = [getattr(row, name) for row in rows]
        tails = [[0.0] * len(rows), [latency.p99 - latency.p50 for latency in latencies]]
        heights = [latency.p50 for latency in latencies]
        bars.barh([i + shift for i in range(len(rows))], heights, 0.38, xerr=tails, label=title, capsize=3)
    bars.set_yticks(range(len(rows)), [row.name for row in rows])
    bars.invert_yaxis()
    bars.set(title="one image: p50, and on to p99", xlabel="ms")
    bars.legend(frameon=False)
    for row in rows:
        lines.plot(list(row.throughput), list(row.throughput.values()), marker="o", label=row.name)
    lines.set(title="throughput, prepared images", xlabel="batch", ylabel="images/s", ylim=(0, None))
    lines.legend(frameon=False)
    for axes in (bars, lines):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{found.variant} at {found.image_size} px · {found.machine} · {found.threads} threads", fontsize=9)
    content = io.BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "googlenet"}):
        figure.savefig(
            content, format=path.suffix[1:], dpi=120, metadata={"Date": None} if path.suffix == ".svg" else {}
        )
    atomic_write(path, [content.getvalue()])
