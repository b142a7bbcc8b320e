"""One look at an image file: its content's hash, how it is stored, and a sketch by which copies know one another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from googlenet.data.decode import decode_described, read_bytes

SKETCH = 8
"""Side of a sketch in pixels: 64 bytes per image tell copies from others nearly always; a closer look decides."""

_THUMBNAIL = 32  # pixels; the smallest draft that fills it still reads a JPEG to its last byte


@dataclass(frozen=True)
class Look:
    """What one file told."""

    id: int  # the first 8 bytes of the content's SHA-256
    format: str
    stored: str
    size: tuple[int, int]
    turned: bool
    spread: int  # 0–255: the greatest value of a thumbnail less the smallest, of the channel where that is most
    sketch: NDArray[np.uint8]  # (SKETCH, SKETCH), the upright picture warped to a small gray square


@dataclass(frozen=True, eq=False)
class Looks:
    """The looks at N files, at most 100 bytes each: entry i of each field of ``Look`` is file i's."""

    ids: NDArray[np.uint64]
    formats: list[str]
    stored: list[str]
    sizes: NDArray[np.int32]  # (N, 2), width and height as stored
    turned: NDArray[np.bool_]
    spreads: NDArray[np.uint8]
    sketches: NDArray[np.uint8]  # (N, SKETCH, SKETCH)

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
            sketches=np.zeros((count, SKETCH, SKETCH), np.uint8),
        )

    def put(self, i: int, look: Look) -> None:
        """Keep the look at file i."""
        self.ids[i], self.turned[i], self.spreads[i] = look.id, look.turned, look.spread
        self.formats[i], self.stored[i] = look.format, look.stored
        self.sizes[i], self.sketches[i] = look.size, look.sketch

    def keep(self, positions: list[int]) -> Looks:
        """Only the looks at ``positions``."""
        return Looks(
            ids=self.ids[positions],
            formats=[self.formats[i] for i in positions],
            stored=[self.stored[i] for i in positions],
            sizes=self.sizes[positions],
            turned=self.turned[positions],
            spreads=self.spreads[positions],
            sketches=self.sketches[positions],
        )


def look_at(path: Path) -> Look:
    """Read and decode a file once; raises ``ImageError`` for one that cannot be used."""
    content = read_bytes(path)
    decoded = decode_described(content, draft_size=_THUMBNAIL, name=str(path))
    thumbnail = decoded.image.resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
    return Look(
        id=content_id(content),
        format=decoded.format,
        stored=decoded.stored,
        size=decoded.size,
        turned=decoded.turned,
        spread=int(np.ptp(np.asarray(thumbnail), axis=(0, 1)).max()),
        sketch=np.asarray(thumbnail.convert("L").reduce(_THUMBNAIL // SKETCH)),
    )


def content_id(content: bytes) -> int:
    """The first 8 bytes of the SHA-256, as an integer."""
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "little")
