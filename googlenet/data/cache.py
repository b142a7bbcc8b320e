"""Decoded photographs in memory, as many as fit, so that training does not decode the same files every epoch."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from PIL import Image

from googlenet.data.decode import Orientation, decode

MAX_BYTES = 512 * 2**20


class DecodedImages:
    """Decodes pictures for training and keeps the first ones, up to ``max_bytes``, as RGB.

    A picture larger than ``shorter_side`` pixels is reduced to it. That holds for kept pictures and for those that are
    decoded anew each time, so the pixels never depend on the memory at hand. Threads may share one instance.
    """

    def __init__(self, shorter_side: int, orientation: Orientation, *, max_bytes: int = MAX_BYTES) -> None:
        self.shorter_side = shorter_side
        self.orientation = orientation
        self.max_bytes = max_bytes
        self.bytes = 0
        self._kept: dict[int, tuple[tuple[int, int], bytes]] = {}
        self._lock = Lock()

    def get(self, i: int, path: Path) -> Image.Image:
        """Picture ``i``, which lies at ``path``; raises ``ImageError`` when it has to be decoded and cannot."""
        if i in self._kept:
            size, pixels = self._kept[i]
            return Image.frombytes("RGB", size, pixels)
        image = self._decode(path)
        self._keep(i, image)
        return image

    def _decode(self, path: Path) -> Image.Image:
        image = decode(path, orientation=self.orientation, draft_size=self.shorter_side)
        scale = self.shorter_side / min(image.size)
        if scale >= 1:
            return image
        size = (round(image.width * scale), round(image.height * scale))
        return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)

    def _keep(self, i: int, image: Image.Image) -> None:
        size = image.width * image.height * 3
        with self._lock:
            if i not in self._kept and self.bytes + size <= self.max_bytes:
                self.bytes += size
                self._kept[i] = (image.size, image.tobytes())
