"""Training-only changes of a picture. Every draw comes from the generator that the caller keyed to the sample."""

from __future__ import annotations

import math
from functools import cache
from types import ModuleType
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from googlenet.data.photometric import distort
from googlenet.data.trivial_augment import border_colour, trivial_augment
from googlenet.errors import MissingExtraError


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if not 0 < bounds[0] <= bounds[1]:
        raise ValueError(f"{bounds} is no range; give (low, high) with 0 < low <= high")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(_ascending)]

_ERASED_AREA = (0.02, 1 / 3)
_ERASED_ASPECT = (0.3, 3.3)
_ATTEMPTS = 10
_LINEAR_UP_TO = 1.5  # times smaller: more, and pixels that lie between the samples would be left out


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
    any_filter: bool = False  # resize the crop by bilinear, area, nearest or cubic, drawn (the paper, section 6)
    photometric: bool = False  # brightness, contrast, colour and lighting (the paper, after Howard)
    rotate: float = Field(default=0.0, ge=0, le=180)  # at most so many degrees either way
    shift: float = Field(default=0.0, ge=0, le=0.5)  # at most so much of the side, either way, in both directions


def augment(
    picture: NDArray[np.uint8], settings: AugmentSettings, size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A changed copy of a picture (height, width, 3) as (size, size, 3): in the order of the lines below."""
    pixels = random_resized_crop(picture, settings, size, rng)
    if settings.flip and rng.random() < 0.5:
        pixels = opencv().flip(pixels, 1)
    if settings.photometric:
        pixels = np.array(distort(Image.fromarray(pixels), rng))
    if settings.trivial_augment:
        pixels = np.array(trivial_augment(Image.fromarray(pixels), rng))
    if settings.rotate or settings.shift:
        pixels = np.array(_rotate_and_shift(Image.fromarray(pixels), settings, rng))
    if rng.random() < settings.erase:
        _erase(pixels, rng)
    return pixels


def random_resized_crop(
    picture: NDArray[np.uint8], settings: AugmentSettings, size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """A part of the picture (height, width, 3), its area and aspect drawn from the settings, as (size, size, 3).

    The aspect is log-uniform. Where ten draws do not fit the picture: its largest centred part of a permitted aspect.
    """
    height, width, _ = picture.shape
    left, top, right, bottom = _crop_box((width, height), settings, rng)
    part = picture[_whole(top, bottom, height), _whole(left, right, width)]
    cv2 = opencv()
    shrinks = part.shape[0] * part.shape[1] > (_LINEAR_UP_TO * size) ** 2
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if settings.any_filter:
        method = (cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_NEAREST, cv2.INTER_CUBIC)[rng.integers(4)]
    resized: NDArray[np.uint8] = cv2.resize(part, (size, size), interpolation=method)
    return resized


def _whole(start: float, stop: float, length: int) -> slice:
    """The pixels from about ``start`` to about ``stop``, at least one of these ``length``."""
    first = min(round(start), length - 1)
    return slice(first, max(round(stop), first + 1))


@cache
def opencv() -> ModuleType:
    """OpenCV, whose resizing costs a fifth of Pillow's, and on the caller's thread alone."""
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise MissingExtraError("opencv-python-headless", "train") from error
    cv2.setNumThreads(1)
    module: ModuleType = cv2
    return module


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
