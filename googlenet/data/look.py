"""One look at an image file: its content's hash, how it is stored, and two thumbnails by which copies are known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from googlenet.data.decode import decode_own, read_bytes

GRAY = 32
"""Side of the gray thumbnail in pixels; the smallest draft that fills it still reads a JPEG to its last byte."""

COLOURS = 6
"""Side of the coloured thumbnail: so coarse that a copy, cropped a little, still looks the same."""


@dataclass(frozen=True)
class Look:
    """What one file told."""

    id: int  # the first 8 bytes of the content's SHA-256
    format: str
    stored: str
    size: tuple[int, int]
    turned: bool
    spread: int  # 0–255: the greatest value of a thumbnail less the smallest, of the channel where that is most
    gray: NDArray[np.uint8]  # (GRAY, GRAY), the upright picture warped to a small square
    colours: NDArray[np.uint8]  # (COLOURS, COLOURS, 3), RGB, the same smaller


@dataclass(frozen=True, eq=False)
class Looks:
    """The looks at N files, 1.2 KB each: entry i of each field of ``Look`` is file i's."""

    ids: NDArray[np.uint64]
    formats: list[str]
    stored: list[str]
    sizes: NDArray[np.int32]  # (N, 2), width and height as stored
    turned: NDArray[np.bool_]
    spreads: NDArray[np.uint8]
    grays: NDArray[np.uint8]  # (N, GRAY, GRAY)
    colours: NDArray[np.uint8]  # (N, COLOURS, COLOURS, 3)

    @classmethod
    def empty(cls, count: int) -> Looks:
        """Room for so many."""
        return cls(
            ids=np.zeros(count, np.uint64),
            formats=[""] * count,
            stored=[""] * count,
            sizes=np.zeros((count, 2), np.int32),
            turned=np.zeros(count, np.bool_),
            spreads=np.zeros(count, np.uint8),
            grays=np.zeros((count, GRAY, GRAY), np.uint8),
            colours=np.zeros((count, COLOURS, COLOURS, 3), np.uint8),
        )

    def put(self, i: int, look: Look) -> None:
        """Keep the look at file i."""
        self.ids[i], self.turned[i], self.spreads[i] = look.id, look.turned, look.spread
        self.formats[i], self.stored[i] = look.format, look.stored
        self.sizes[i], self.grays[i], self.colours[i] = look.size, look.gray, look.colours

    def put_all(self, first: int, looks: Looks) -> None:
        """Keep the looks at the files from ``first`` on."""
        place = slice(first, first + len(looks.ids))
        for name, values in vars(looks).items():
            getattr(self, name)[place] = values

    def keep(self, positions: list[int]) -> Looks:
        """Only the looks at ``positions``."""
        return Looks(
            ids=self.ids[positions],
            formats=[self.formats[i] for i in positions],
            stored=[self.stored[i] for i in positions],
            sizes=self.sizes[positions],
            turned=self.turned[positions],
            spreads=self.spreads[positions],
            grays=self.grays[positions],
            colours=self.colours[positions],
        )


def look_at(path: Path) -> Look:
    """Read and decode a file once; raises ``ImageError`` for one that cannot be used."""
    content = read_bytes(path)
    decoded = decode_own(content, draft_size=GRAY, name=str(path))
    thumbnail = Image.fromarray(decoded.pixels).resize((GRAY, GRAY), Image.Resampling.BILINEAR)
    return Look(
        id=content_id(content),
        format=decoded.format,
        stored=decoded.stored,
        size=decoded.size,
        turned=decoded.turned,
        spread=max(high - low for low, high in cast("tuple[tuple[int, int], ...]", thumbnail.getextrema())),
        gray=np.asarray(thumbnail.convert("L")),
        colours=np.asarray(thumbnail.resize((COLOURS, COLOURS), Image.Resampling.BOX)),
    )


def content_id(content: bytes) -> int:
    """The first 8 bytes of the SHA-256, as an integer."""
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "little")
