"""Several crops of one picture: the paper's 144 and the ten of AlexNet, first as rectangles, then as pixels.

Szegedy et al., *Going deeper with convolutions*, section 7: the shorter side at 256, 288, 320 and 352 pixels; of each
size the left, centre and right square (of portraits the top, centre and bottom one); of each square the four corners
and the centre at 224 and the square itself resized to 224; each of these also mirrored: 4 · 3 · 6 · 2 = 144.

The paper does not say which its ten crops are; here they are AlexNet's (Krizhevsky et al. 2012, section 4.1): corners
and centre of the centre square at 256, and their mirror images. For another crop than 224 all sizes are in proportion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from googlenet.data.decode import decode
from googlenet.data.preprocess import LONG, Preprocessing, normalise, prepare, resized_size, resized_window
from googlenet.errors import SettingsError

Crops = Literal[1, 10, 144]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom; pixels of the resized picture."""

_SIDES = (8, 9, 10, 11)  # sevenths of the crop: 256, 288, 320 and 352 of 224


@dataclass(frozen=True)
class Crop:
    """One rectangle of the picture resized to ``size``, (width, height). A ``window`` that is larger than the crop (the
    whole square) is resized to it.
    """

    size: tuple[int, int]
    square: Box
    window: Box
    mirrored: bool


def check_crops(crops: int) -> None:
    """Raise ``SettingsError`` for a number of crops that there is no plan for."""
    if crops not in get_args(Crops):
        raise SettingsError(f"--crops is {crops}; give 1, 10 or 144, each needs a plan of its own")


def shorter_sides(crop: int) -> tuple[int, ...]:
    """The four lengths of the resized picture's shorter side for crops of ``crop`` pixels."""
    return tuple(round(crop * sevenths / 7) for sevenths in _SIDES)


def crop_plan(size: tuple[int, int], crops: int, preprocessing: Preprocessing) -> tuple[Crop, ...]:
    """The 10 or 144 crops of a picture of ``size``, (width, height); plain and mirrored in turn.

    Of a square picture the three squares are one: each of its crops counts three times.
    """
    check_crops(crops)
    crop = preprocessing.crop_size
    plan = []
    for side in shorter_sides(crop):
        resized = resized_size(size, preprocessing.model_copy(update={"resize": "shorter-side", "resize_size": side}))
        for square in _squares(resized):
            plan += [
                Crop(resized, square, window, mirrored)
                for window in (*_corners_and_centre(square, crop), square)
                for mirrored in (False, True)
            ]
    return tuple(plan) if crops == 144 else tuple(plan[12:22])  # the second square of the first size, not as a whole


def _squares(size: tuple[int, int]) -> list[Box]:
    """Left, centre and right; of a portrait top, centre and bottom."""
    width, height = size
    side, rest = min(size), max(size) - min(size)
    starts = (0, rest // 2, rest)
    if width >= height:
        return [(start, 0, start + side, side) for start in starts]
    return [(0, start, side, start + side) for start in starts]


def _corners_and_centre(square: Box, crop: int) -> list[Box]:
    left, top, right, bottom = square
    last_x, last_y = right - crop, bottom - crop
    corners = [(x, y) for y in (top, last_y) for x in (left, last_x)]
    centre = (left + (right - left - crop) // 2, top + (bottom - top - crop) // 2)
    return [(x, y, x + crop, y + crop) for x, y in (*corners, centre)]


def cut_crops(image: Image.Image, crops: int, preprocessing: Preprocessing) -> Iterator[Image.Image]:
    """The pixels of the plan's crops, without the mirrored ones: (crop_size, crop_size) pictures of mode RGB.

    The picture is resized once per size; a whole square is that, resized again.
    """
    crop, filter = preprocessing.crop_size, preprocessing.filter
    plain = [part for part in crop_plan(image.size, crops, preprocessing) if not part.mirrored]
    for size, parts in groupby(plain, lambda part: part.size):
        long = max(size) > LONG * min(size)
        whole = None if long else resized_window(image, size, (0, 0, *size), filter)
        for square, windows in groupby(parts, lambda part: part.square):
            pixels = whole.crop(square) if whole else resized_window(image, size, square, filter)
            for part in windows:
                left, top = part.window[0] - square[0], part.window[1] - square[1]
                if part.window == square:
                    yield resized_window(pixels, (crop, crop), (0, 0, crop, crop), filter)
                else:
                    yield pixels.crop((left, top, left + crop, top + crop))


def prepare_crops(source: Path | bytes, preprocessing: Preprocessing, crops: int = 1) -> NDArray[np.float32]:
    """An image file, or its bytes, as input: float32 (crops, 3, crop_size, crop_size), in the order of ``crop_plan``.

    One crop is what ``prepare`` gives; 10 and 144 resize by the shorter side whatever the preprocessing says. The file
    is decoded once. Raises ``ImageError``.
    """
    check_crops(crops)
    if crops == 1:
        return prepare(source, preprocessing)[None]
    largest = shorter_sides(preprocessing.crop_size)[-1 if crops == 144 else 0]
    image = decode(source, orientation=preprocessing.orientation, draft_size=largest if preprocessing.draft else None)
    result = np.empty((crops, 3, preprocessing.crop_size, preprocessing.crop_size), np.float32)
    for i, cut in enumerate(cut_crops(image, crops, preprocessing)):
        result[2 * i] = normalise(cut, preprocessing)
        result[2 * i + 1] = result[2 * i, :, :, ::-1]
    return result
