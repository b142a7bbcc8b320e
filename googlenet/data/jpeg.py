"""JPEG files decoded by simplejpeg, where it is installed: the pixels that Pillow gives, in half the time.

Both hold libjpeg-turbo; Pillow parses the header in Python and hands the pixels on line by line and through a buffer.
For one's own photographs alone (training, the data doctor): files of strangers go through Pillow, as predictions do.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["decode_jpeg", "is_plain"]

_SCALES = (8, 4, 2, 1)  # times smaller: those that Pillow asks libjpeg for
_SCAN, _APP1, _APP2, _FILL = 0xDA, 0xE1, 0xE2, 0xFF
_PROBE_SIDES = (150, 118)  # odd in blocks of 8 and 16 pixels, so that the edges are compared as well

Picture = tuple[NDArray[np.uint8], tuple[int, int]]
"""RGB pixels, (height, width, 3), and width and height as stored."""


def is_plain(source: bytes) -> bool:
    """Whether it begins as a JPEG file without what may hold an orientation or more pictures (ITU-T T.81, annex B)."""
    if not source.startswith(b"\xff\xd8"):
        return False
    start = 2
    while source[start : start + 1] == b"\xff" and len(source) > start + 3:
        marker, length = source[start + 1], int.from_bytes(source[start + 2 : start + 4])
        if marker == _SCAN:
            return True
        if marker in (_APP1, _FILL) or (marker == _APP2 and source.startswith(b"MPF\0", start + 4)):
            return False
        start += 2 + length
    return False


def decode_jpeg(source: bytes, draft_size: int | None, most_pixels: int) -> Picture | None:
    """The picture as it lies, perhaps halved as by Pillow's ``draft``.

    None where it is left to Pillow: not JPEG, not coloured, larger than ``most_pixels``, damaged in any way (what
    becomes of it is for Pillow to say), simplejpeg missing, or found to give other pixels than this Pillow.
    """
    decoder = _decoder()
    return None if decoder is None else _decode(decoder, source, draft_size, most_pixels)


@cache
def _decoder() -> ModuleType | None:
    """simplejpeg, if it decodes a probe just as this Pillow does, in full and halved: each brings its own library."""
    try:
        import simplejpeg
    except ModuleNotFoundError:
        return None
    buffer = BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (*_PROBE_SIDES, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG", quality=75)
    for draft_size in (max(_PROBE_SIDES), min(_PROBE_SIDES) // 2):
        with Image.open(buffer) as image:
            image.draft(None, (draft_size, draft_size))
            found = _decode(simplejpeg, buffer.getvalue(), draft_size, noise.size)
            if found is None or not np.array_equal(found[0], np.asarray(image)):
                return None
    module: ModuleType = simplejpeg
    return module


def _decode(decoder: ModuleType, source: bytes, draft_size: int | None, most_pixels: int) -> Picture | None:
    try:
        height, width, colours, _ = decoder.decode_jpeg_header(source)
        if colours not in ("YCbCr", "RGB") or width * height > most_pixels:
            return None
        smaller = min(width, height) // draft_size if draft_size else 1
        scale = next((scale for scale in _SCALES if scale <= smaller), 1)
        least = {"min_width": -(-width // scale), "min_height": -(-height // scale)} if scale > 1 else {}
        # Strict: what libjpeg-turbo only warns of is an error. Of its scales the smallest that is allowed is taken.
        return decoder.decode_jpeg(source, "RGB", strict=True, **least), (width, height)
    except ValueError:
        return None
