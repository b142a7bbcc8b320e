"""Peak memory of `googlenet predict - --out FILE` over lists of 1,000 to 1,000,000 files.

    python benchmarks/predict_memory.py PHOTO [SIZES…]

The list on standard input names the same photograph again and again, so that no disk full of photographs is needed;
each line is decoded and answered anew. The network is one of a sixteenth of the width for pictures of 32 px, so that a
million takes minutes. One process per size; the peak is the system's own figure for that process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from googlenet.data.classes import ClassName
from googlenet.data.preprocess import Preprocessing
from googlenet.network.initial import initial_weights
from googlenet.variants import batch_norm
from googlenet.weights.model_file import SealedModel

SIZES = (1_000, 10_000, 100_000, 1_000_000)


def save_small_network(path: Path) -> None:
    """Three classes, first weights."""
    spec = batch_norm(3, aux_heads=False).scaled(1 / 16)
    classes = tuple(ClassName(name, name) for name in ("blue", "green", "red"))
    SealedModel(spec, classes, Preprocessing(resize_size=36, crop_size=32), initial_weights(spec, seed=0), {}).save(
        path
    )


def peak_megabytes(model: Path, photo: str, size: int, out: Path) -> tuple[float, float]:
    """Peak resident memory in MB (10⁶ bytes) and seconds of one run over ``size`` files."""
    command = [sys.executable, "-m", "googlenet", "predict", str(model), "-", "--top", "1", "--out", str(out)]
    start = perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    line = f"{photo}\n".encode()
    for _ in range(size):
        process.stdin.write(line)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"predict ended with status {status}")
    return usage.ru_maxrss * 1024 / 1e6, perf_counter() - start


def main() -> None:
    """Measure and print."""
    photo, *sizes = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "small.safetensors"
        save_small_network(model)
        for size in map(int, sizes or SIZES):
            peak, seconds = peak_megabytes(model, photo, size, Path(folder) / f"{size}.csv")
            print(f"{size:>9,} files: {peak:.0f} MB at most, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
