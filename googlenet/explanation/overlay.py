"""Maps drawn over the photograph."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from googlenet.explanation.maps import Map
from googlenet.explanation.view import View

FOR, AGAINST = (255, 128, 0), (0, 120, 255)
"""The colours of what speaks for the score and against it; told apart by people who confuse red and green."""

_SIDE = 448  # pixels of a drawn square
_FINEST = 56  # cells along a side: single pixels' evidence is drawn summed over blocks
_OPACITY = 0.85


def draw_map(view: View, part: Map) -> Image.Image:
    """The square that the network saw, in gray, under the map: orange where it speaks for the score, blue where
    against, the stronger the more opaque; the strongest place of this map sets the scale.
    """
    side = max(_SIDE, view.seen.width)
    base = view.seen.convert("L").convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    values = _drawable(part.values)
    strongest = float(np.abs(values).max())
    if strongest > 0:
        image = Image.fromarray(values / strongest).resize((side, side), Image.Resampling.BICUBIC)
        base = _tint(base, np.asarray(image))
    return base


def draw_whole(view: View, square: Image.Image) -> Image.Image:
    """The whole photograph, darkened, with ``square`` laid where it was cut from it, framed."""
    width, height = view.photograph.size
    left, top, right, bottom = (
        round(part * side) for part, side in zip(view.box, (width, height, width, height), strict=True)
    )
    whole = Image.blend(view.photograph, Image.new("RGB", view.photograph.size), 0.45)
    size = (max(1, right - left), max(1, bottom - top))
    whole.paste(square.resize(size, Image.Resampling.LANCZOS), (left, top))
    ImageDraw.Draw(whole).rectangle((left, top, left + size[0] - 1, top + size[1] - 1), outline="white", width=2)
    return whole


def shows_nearly_all(view: View) -> bool:
    """Whether the square is so much of the photograph that a second picture would show nothing new."""
    left, top, right, bottom = view.box
    return (right - left) * (bottom - top) > 0.9


def png(image: Image.Image) -> bytes:
    """The picture as the content of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _drawable(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most 56 cells along a side, each the sum of the block that it stands for."""
    for axis in (0, 1):
        size = values.shape[axis]
        if size > _FINEST:
            starts = np.arange(_FINEST) * size // _FINEST
            values = np.add.reduceat(values, starts, axis)
    return values.astype(np.float32)


def _tint(base: Image.Image, strength: NDArray[np.float32]) -> Image.Image:
    opacity = _OPACITY * np.minimum(np.abs(strength), 1)[..., None]
    colour = np.where(strength[..., None] > 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    mixed = np.asarray(base, np.float32) * (1 - opacity) + colour * opacity
    return Image.fromarray(mixed.round().astype(np.uint8))
