"""Training-only changes of a picture. Every draw comes from the generator that the caller keyed to the sample."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from googlenet.data.trivial_augment import border_colour, trivial_augment


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if not 0 < bounds[0] <= bounds[1]:
        raise ValueError(f"{bounds} is no range; give (low, high) with 0 < low <= high")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_ascending)]

_ERASED_AREA = (0.02, 1 / 3)
_ERASED_ASPECT = (0.3, 3.3)
_ATTEMPTS = 10


class AugmentSettings(BaseModel):
    """What training may change in a picture. The defaults suit photographs; ``crop_area`` is the paper's 8–100%
    narrowed, as short trainings prefer it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    crop_area: Range = (0.35, 1.0)  # fraction of the picture that the random crop keeps
    crop_aspect: Range = (3 / 4, 4 / 3)  # its width / height, before it is resized to a square
    flip: bool = True  # mirror left and right, half of the time
    trivial_augment: bool = False  # one random operation of TrivialAugment-wide
    erase: float = Field(default=0.0, ge=0, le=1)  # probability that a random rectangle becomes noise
    rotate: float = Field(default=0.0, ge=0, le=180)  # at most so many degrees either way
    shift: float = Field(default=0.0, ge=0, le=0.5)  # at most so much of the side, either way, in both directions


def augment(image: Image.Image, settings: AugmentSettings, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A changed copy of an RGB picture as uint8 (size, size, 3), RGB: crop, flip, TrivialAugment, rotate, erase."""
    image = random_resized_crop(image, settings, size, rng)
    if settings.flip and rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if settings.trivial_augment:
        image = trivial_augment(image, rng)
    if settings.rotate or settings.shift:
        image = _rotate_and_shift(image, settings, rng)
    pixels = np.array(image)
    if rng.random() < settings.erase:
        _erase(pixels, rng)
    return pixels


def random_resized_crop(
    image: Image.Image, settings: AugmentSettings, size: int, rng: np.random.Generator
) -> Image.Image:
    """A part of the picture, its area and aspect drawn from the settings, resized to (size, size).

    The aspect is log-uniform. Where ten draws do not fit the picture: its largest centred part of a permitted aspect.
    """
    box = _crop_box(image.size, settings, rng)
    return image.resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)


def _crop_box(
    size: tuple[int, int], settings: AugmentSettings, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    width, height = size
    for _ in range(_ATTEMPTS):
        area = width * height * rng.uniform(*settings.crop_area)
        crop_width, crop_height = _sides(area, settings.crop_aspect, rng)
        if crop_width <= width and crop_height <= height:
            left, top = rng.uniform(0, width - crop_width), rng.uniform(0, height - crop_height)
            return left, top, left + crop_width, top + crop_height
    low, high = settings.crop_aspect
    crop_width, crop_height = min(width, height * high), min(height, width / low)
    left, top = (width - crop_width) / 2, (height - crop_height) / 2
    return left, top, left + crop_width, top + crop_height


def _sides(area: float, aspects: tuple[float, float], rng: np.random.Generator) -> tuple[float, float]:
    """Width and height of a rectangle of that area, its aspect log-uniform in the range."""
    aspect = math.exp(rng.uniform(math.log(aspects[0]), math.log(aspects[1])))
    return math.sqrt(area * aspect), math.sqrt(area / aspect)


def _rotate_and_shift(image: Image.Image, settings: AugmentSettings, rng: np.random.Generator) -> Image.Image:
    angle = rng.uniform(-settings.rotate, settings.rotate)
    shift_x, shift_y = rng.uniform(-settings.shift, settings.shift, 2) * image.width
    fill = border_colour(image)
    return image.rotate(angle, Image.Resampling.BILINEAR, translate=(shift_x, shift_y), fillcolor=fill)


def _erase(pixels: NDArray[np.uint8], rng: np.random.Generator) -> None:
    side = pixels.shape[0]
    for _ in range(_ATTEMPTS):
        width, height = (round(length) for length in _sides(side**2 * rng.uniform(*_ERASED_AREA), _ERASED_ASPECT, rng))
        if 0 < width < side and 0 < height < side:
            left, top = rng.integers(side - width + 1), rng.integers(side - height + 1)
            noise = rng.integers(0, 256, (height, width, 3), np.uint8)
            pixels[top : top + height, left : left + width] = noise
            return
