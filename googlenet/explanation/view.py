"""A photograph as the network sees it, and where on the whole photograph that lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from googlenet.data.preprocess import Preprocessing, crop_rectangle, decode_for, normalise, resize_and_crop

_PHOTOGRAPH = 640  # pixels, the longer side of what is kept to be shown


@dataclass(frozen=True, eq=False)
class View:
    """One image file, looked at."""

    path: str  # empty where bytes were given
    photograph: Image.Image  # the whole, upright, made small
    box: tuple[float, float, float, float]  # of what the network sees: left, top, right, bottom, fractions of the whole
    seen: Image.Image  # RGB, the square that the network sees
    input: NDArray[np.float32]  # (3, crop, crop), the same as ``prepare`` gives


def look(source: Path | bytes, preprocessing: Preprocessing) -> View:
    """Read an image file, or its bytes; raises ``ImageError``."""
    whole = decode_for(source, preprocessing)
    seen = resize_and_crop(whole, preprocessing)
    box = crop_rectangle(whole.size, preprocessing)
    whole.thumbnail((_PHOTOGRAPH, _PHOTOGRAPH))
    path = "" if isinstance(source, bytes) else str(source)
    return View(path, whole, box, seen, normalise(seen, preprocessing))
