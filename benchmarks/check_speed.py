"""Speed of ``googlenet check`` beside a bare decode: python benchmarks/check_speed.py FOLDER [IMAGES [ROUNDS]]

FOLDER holds class folders of photographs; symbolic links repeat them until there are IMAGES (100,000) files. The bare
decode opens and decodes each file in a pool of threads or of processes, one per core, whichever is faster here on a
part of the files: once with the smaller draft that the check itself asks for, once in full as a plain script would.
Check and decode take turns, ROUNDS (3) times; the ratios of the medians are what counts. Then the comparison of IMAGES
pictures that all differ, which repeated ones do not need: thumbnails of the same photographs, blended in pairs.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import zip_longest
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from PIL import Image

from googlenet.data.examine import examine
from googlenet.data.index import list_images
from googlenet.data.look import GRAY, Looks
from googlenet.doctor.copies import near_copies
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


def repeat(source: Path, target: Path, count: int) -> list[str]:
    """Links to the photographs of ``source``, ``count`` of them."""
    listing = list_images(source)
    for i in range(count):
        path = listing.paths[i % len(listing.paths)]
        link = target / listing.words[i % len(listing.paths)] / f"{i:07}{Path(path).suffix}"
        link.parent.mkdir(exist_ok=True)
        link.symlink_to((listing.root / path).resolve())
    return sorted(str(path) for path in target.rglob("*.*"))


def all_different(looks: Looks, count: int) -> Looks:
    """Looks at ``count`` pictures of which none is another's copy: each the mean of two photographs."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, len(looks.ids), (2, count))
    blend = Looks.empty(count)
    for name in ("grays", "colours"):
        values = getattr(looks, name)
        for part in np.array_split(np.arange(count), 20):
            mixed = (values[first[part]].astype(np.uint16) + values[second[part]]) // 2
            getattr(blend, name)[part] = mixed
    blend.ids[:] = np.arange(count)
    blend.sizes[:], blend.spreads[:] = GRAY, 255
    return blend


def main() -> None:
    """Measure and print."""
    source = Path(sys.argv[1])
    count, rounds = (int(given or usual) for given, usual in zip_longest(sys.argv[2:], ("100000", "3")))
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(CORES) as threads,
        ProcessPoolExecutor(CORES) as forks,
    ):
        paths = repeat(source, Path(folder), count)
        part = paths[:: max(1, count // 2000)]
        decode_all(forks, part, None)  # starts the processes
        pools = {name: decode_all(pool, part, None) for name, pool in (("threads", threads), ("processes", forks))}
        faster = min(pools, key=lambda name: pools[name])
        pool = threads if faster == "threads" else forks
        times: dict[str, list[float]] = {"decode, draft": [], "decode, full": [], "check": []}
        for _ in range(rounds):
            times["decode, draft"].append(decode_all(pool, paths, GRAY))
            times["check"].append(timed(lambda: check(Path(folder))))
            times["decode, full"].append(decode_all(pool, paths, None))
        print(f"{count} files, {CORES} cores; the bare decode by {faster}")
        for name, seconds in times.items():
            print(
                f"{name}: {count / median(seconds):.0f} images/s ({', '.join(f'{value:.1f}' for value in seconds)} s)"
            )
        for name in ("decode, draft", "decode, full"):
            print(f"check / {name}: {median(times[name]) / median(times['check']):.2f}")
    looks = all_different(examine(list_images(source), verify=True), count)
    print(f"comparing {count} pictures that differ: {timed(lambda: near_copies(looks)):.1f} s")


if __name__ == "__main__":
    main()
