"""Images read per second in random order, shards beside folder: python benchmarks/pack.py shared/flowers [SHARDS]

Every image once, as training reads it: from shards its SHA-256 is compared, from the folder it is not. In turns, three
times each, medians. All files are in memory by then: this is what reading costs, not what a disc saves. Packs
into a folder for the time being unless SHARDS are given.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from googlenet.data.decode import read_bytes
from googlenet.data.index import list_images
from googlenet.data.pack import pack


def images_per_second(paths: list[Path]) -> float:
    """Read them all."""
    random.shuffle(paths)
    began = perf_counter()
    for path in paths:
        read_bytes(path)
    return len(paths) / (perf_counter() - began)


def main(folder: Path, shards: Path) -> None:
    """Measure and print."""
    sides = {name: list_images(root) for name, root in (("folder", folder), ("shards", shards))}
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(4):
        for name, listing in sides.items():
            speeds[name].append(images_per_second([listing.root / path for path in listing.paths]))
    for name, found in speeds.items():
        print(f"{name}: {median(found[1:]):,.0f} images/s ({', '.join(f'{speed:,.0f}' for speed in found[1:])})")


if __name__ == "__main__":
    random.seed(0)
    with tempfile.TemporaryDirectory() as work:
        if len(sys.argv) < 3:
            pack(Path(sys.argv[1]), Path(work, "shards"), shard_size=256_000_000)
        main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(work, "shards"))
