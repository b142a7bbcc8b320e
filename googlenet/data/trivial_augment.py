"""TrivialAugment, wide space: one operation of random strength per picture, each a single Pillow call.

Müller and Hutter, *TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation*, arXiv 2103.10158, table 7.
Two differences: what comes in from outside is the colour of the picture's border, not black, and a translation is at
most 1/7 of the side (32 of 224 pixels), so that it means the same at every size.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

_STEPS = 30
_BILINEAR = Image.Resampling.BILINEAR

Operation = Callable[[Image.Image, float], Image.Image]


def trivial_augment(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """One of the 14 operations, each equally probable, at one of 31 strengths and with a random sign."""
    names = tuple(OPERATIONS)
    name = names[rng.integers(len(names))]
    strength = int(rng.integers(_STEPS + 1)) / _STEPS
    return OPERATIONS[name](image, -strength if rng.random() < 0.5 else strength)


def border_colour(image: Image.Image) -> tuple[int, int, int]:
    """The median of the border's pixels per channel: what rotated and moved pictures are surrounded with."""
    pixels = np.asarray(image)
    border = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    red, green, blue = np.median(border, axis=0).astype(int).tolist()
    return red, green, blue


def _affine(image: Image.Image, *coefficients: float) -> Image.Image:
    method = Image.Transform.AFFINE
    return image.transform(image.size, method, coefficients, _BILINEAR, fillcolor=border_colour(image))


def _rotate(image: Image.Image, strength: float) -> Image.Image:
    return image.rotate(135 * strength, _BILINEAR, fillcolor=border_colour(image))


def _posterize(image: Image.Image, strength: float) -> Image.Image:
    return ImageOps.posterize(image, 8 - round(6 * abs(strength)))


# Strength -1..1; operations that know no direction take its size.
OPERATIONS: dict[str, Operation] = {
    "identity": lambda image, _: image,
    "shear_x": lambda image, strength: _affine(image, 1, 0.99 * strength, 0, 0, 1, 0),
    "shear_y": lambda image, strength: _affine(image, 1, 0, 0, 0.99 * strength, 1, 0),
    "translate_x": lambda image, strength: _affine(image, 1, 0, strength * image.width / 7, 0, 1, 0),
    "translate_y": lambda image, strength: _affine(image, 1, 0, 0, 0, 1, strength * image.height / 7),
    "rotate": _rotate,
    "brightness": lambda image, strength: ImageEnhance.Brightness(image).enhance(1 + 0.99 * strength),
    "color": lambda image, strength: ImageEnhance.Color(image).enhance(1 + 0.99 * strength),
    "contrast": lambda image, strength: ImageEnhance.Contrast(image).enhance(1 + 0.99 * strength),
    "sharpness": lambda image, strength: ImageEnhance.Sharpness(image).enhance(1 + 0.99 * strength),
    "posterize": _posterize,
    "solarize": lambda image, strength: ImageOps.solarize(image, round(255 * (1 - abs(strength)))),
    "autocontrast": lambda image, _: ImageOps.autocontrast(image),
    "equalize": lambda image, _: ImageOps.equalize(image),
}
