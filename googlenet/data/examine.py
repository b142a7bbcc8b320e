"""Read every listed file once: its content hash, and whether it is an image that can be used."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from googlenet.data.decode import decode, read_bytes
from googlenet.data.listing import Listing, Skipped
from googlenet.errors import ImageError

Progress = Callable[[int, int], None]
"""Called with (files done, files in all) every now and then, in the caller's thread."""

_CHUNK = 64


def examine(listing: Listing, *, verify: bool, progress: Progress | None = None) -> NDArray[np.uint64]:
    """The sample ids of the usable images; the others move from the listing to its ``skipped``.

    An id is the first 8 bytes of the SHA-256 of the file. ``verify`` also decodes every file to its end. Hash and
    decode share one read of the file; threads, since Pillow and hashlib release the interpreter lock.
    """
    total = len(listing.paths)
    ids = np.zeros(total, np.uint64)
    bad: dict[int, str] = {}

    def chunk(first: int) -> None:
        for i in range(first, min(first + _CHUNK, total)):
            path = listing.root / listing.paths[i]
            try:
                ids[i] = content_id(path, verify=verify)
            except ImageError as error:
                bad[i] = str(error).removeprefix(f"{path}: ")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first, _ in zip(range(0, total, _CHUNK), pool.map(chunk, range(0, total, _CHUNK)), strict=True):
            if progress is not None:
                progress(min(first + _CHUNK, total), total)
    if not bad:
        return ids
    listing.skipped += [Skipped(listing.root / listing.paths[i], bad[i]) for i in sorted(bad)]
    good = [i for i in range(total) if i not in bad]
    listing.keep(good)
    return ids[good]


def content_id(path: Path, *, verify: bool) -> int:
    """The first 8 bytes of the file's SHA-256, as an integer; raises ``ImageError`` for a file that cannot be used."""
    content = read_bytes(path)
    if verify:
        # The smallest draft still reads a JPEG to its last byte, and skips most of the arithmetic.
        decode(content, draft_size=1, name=str(path))
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "little")
