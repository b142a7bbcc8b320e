"""Speed of ``googlenet check`` beside a bare decode: python benchmarks/check_speed.py FOLDER [IMAGES [ROUNDS]]

FOLDER holds class folders of photographs. Where IMAGES asks for more than there are, as many are written anew as JPEG
files, each the mean of two photographs' parts, taken anywhere in them and half of them mirrored, so that all differ and
all have to be compared (100,000 take about 2 GB in the folder for temporary files). The bare decode opens and decodes
each file in a pool of threads or of processes, one per core, whichever is faster here on a part of the files: once with
the smaller draft that the check itself asks for, once in full as a plain script would. Check and decode take turns,
ROUNDS (3) times; the ratios of the medians count.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache, partial
from itertools import zip_longest
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from PIL import Image

from googlenet.data.index import list_images
from googlenet.data.look import GRAY
from googlenet.doctor.diagnose import check

CHUNK = 64
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decode(path: str, draft: int | None) -> None:
    """What a script would do that only wants the pixels."""
    with Image.open(path) as image:
        if draft is not None:
            image.draft(None, (draft, draft))
        image.convert("RGB")


def decode_chunk(paths: list[str], draft: int | None) -> None:
    """Several at a time, so that handing out the work costs nothing."""
    for path in paths:
        decode(path, draft)


def decode_all(pool: Executor, paths: list[str], draft: int | None) -> float:
    """Seconds for all of them."""
    chunks = [paths[i : i + CHUNK] for i in range(0, len(paths), CHUNK)]
    start = perf_counter()
    for _ in pool.map(partial(decode_chunk, draft=draft), chunks):
        pass
    return perf_counter() - start


def timed(call: Callable[[], object]) -> float:
    """Seconds."""
    start = perf_counter()
    call()
    return perf_counter() - start


@cache
def photograph(path: Path) -> Image.Image:
    """Its pixels at 400 × 300, a little larger than most of the flowers."""
    with Image.open(path) as image:
        return image.convert("RGB").resize((400, 300))


def part(path: Path, rng: np.random.Generator) -> Image.Image:
    """320 × 240 pixels: a part of the photograph anywhere in it, 0.6 to 0.9 of its sides, mirrored or not."""
    picture, share = photograph(path), rng.uniform(0.6, 0.9)
    left, top = ((1 - share) * side * rng.random() for side in picture.size)
    box = (left, top, left + share * picture.width, top + share * picture.height)
    found = picture.resize((320, 240), box=box)
    return found.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else found


def blend(first: Path, second: Path, target: Path) -> None:
    """Write the mean of a part of each."""
    rng = np.random.default_rng(int(target.stem))
    Image.blend(part(first, rng), part(second, rng), 0.5).save(target, quality=85)


def different(forks: Executor, source: Path, target: Path, count: int) -> Path:
    """A folder of ``count`` files that all differ: the photographs themselves, if they are enough."""
    listing = list_images(source)
    if count <= len(listing.paths):
        return source
    target.mkdir()
    rng, photographs = np.random.default_rng(0), [listing.root / path for path in listing.paths]
    pairs = rng.integers(0, len(photographs), (2, count))
    for name in {listing.words[i] for i in pairs[0]}:
        (target / name).mkdir()
    targets = [target / listing.words[one] / f"{i:07}.jpg" for i, one in enumerate(pairs[0])]
    first, second = ([photographs[i] for i in half] for half in pairs)
    for _ in forks.map(blend, first, second, targets, chunksize=CHUNK):
        pass
    return target


def main() -> None:
    """Measure and print."""
    source = Path(sys.argv[1])
    count, rounds = (int(given or usual) for given, usual in zip_longest(sys.argv[2:], ("100000", "3")))
    with (
        tempfile.TemporaryDirectory() as scratch,
        ThreadPoolExecutor(CORES) as threads,
        ProcessPoolExecutor(CORES) as forks,
    ):
        folder = different(forks, source, Path(scratch) / "blends", count)
        listing = list_images(folder)
        paths = [str(listing.root / path) for path in listing.paths]
        part = paths[:: max(1, len(paths) // 8000)]
        decode_all(forks, part, None)  # starts the processes
        pools = {name: decode_all(pool, part, None) for name, pool in (("threads", threads), ("processes", forks))}
        faster = min(pools, key=lambda name: pools[name])
        pool = threads if faster == "threads" else forks
        times: dict[str, list[float]] = {"decode, draft": [], "decode, full": [], "check": []}
        for _ in range(rounds):
            times["decode, draft"].append(decode_all(pool, paths, GRAY))
            times["check"].append(timed(lambda: check(folder)))
            times["decode, full"].append(decode_all(pool, paths, None))
    print(f"{len(paths)} files, {CORES} cores; the bare decode by {faster}")
    for name, seconds in times.items():
        taken = ", ".join(f"{value:.1f}" for value in seconds)
        print(f"{name}: {len(paths) / median(seconds):.0f} images/s ({taken} s)")
    for name in ("decode, draft", "decode, full"):
        print(f"check / {name}: {median(times[name]) / median(times['check']):.2f}")


if __name__ == "__main__":
    main()
