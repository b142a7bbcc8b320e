"""Read every listed file once: what it is, and whether it is an image that can be used."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from googlenet.data.decode import read_bytes
from googlenet.data.listing import Listing, Skipped
from googlenet.data.look import Looks, content_id, look_at
from googlenet.errors import ImageError

Progress = Callable[[int, int], None]
"""Called with (files done, files in all) every now and then, in the caller's thread."""

_CHUNK = 64


def examine(listing: Listing, *, verify: bool, progress: Progress | None = None) -> Looks:
    """Look at every listed image; those that cannot be used move from the listing to its ``skipped``.

    Without ``verify`` the files are read but not decoded, and the looks hold the ids only. Hash and decode share one
    read of the file; threads, since Pillow and hashlib release the interpreter lock.
    """
    total = len(listing.paths)
    looks = Looks.empty(total)
    bad: dict[int, str] = {}

    def chunk(first: int) -> None:
        for i in range(first, min(first + _CHUNK, total)):
            path = listing.root / listing.paths[i]
            try:
                if verify:
                    looks.put(i, look_at(path))
                else:
                    looks.ids[i] = content_id(read_bytes(path))
            except ImageError as error:
                bad[i] = str(error).removeprefix(f"{path}: ")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first, _ in zip(range(0, total, _CHUNK), pool.map(chunk, range(0, total, _CHUNK)), strict=True):
            if progress is not None:
                progress(min(first + _CHUNK, total), total)
    if not bad:
        return looks
    listing.skipped += [Skipped(listing.root / listing.paths[i], bad[i]) for i in sorted(bad)]
    good = [i for i in range(total) if i not in bad]
    listing.keep(good)
    return looks.keep(good)
