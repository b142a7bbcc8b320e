"""Does ``googlenet train --time`` keep to its time? python benchmarks/time_budget.py DATA TIME [WEIGHTS]

Runs the whole command in a process of its own, from the start of Python to its end, and prints the time that was given,
the time that it took, and what it planned. Without WEIGHTS the recipe is ``scratch``, with them ``finetune``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

from googlenet.training.budget import seconds_of
from googlenet.training.run import run_settings
from googlenet.weights.model_file import read_model


def main() -> None:
    """Run, and print what came of it."""
    data, time, *weights = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        words = ["train", data, "--time", time, "--out", str(folder)]
        words += ["--weights", weights[0]] if weights else []
        started = monotonic()
        subprocess.run([sys.executable, "-m", "googlenet", *words], check=True)
        taken, given = monotonic() - started, seconds_of(time)
        settings, record = run_settings(folder), read_model(folder / "model.safetensors").record
    print(f"given {given:.0f} s, taken {taken:.1f} s ({taken / given - 1:+.1%})")
    print(
        f"{settings.epochs:g} epochs planned, up to {settings.image_size} pixels; ended early: {record['interrupted']}"
    )
    print(f"validation accuracy {record['val_top1']:.1%}")


if __name__ == "__main__":
    main()
