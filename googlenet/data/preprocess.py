"""The only way from a file to a network's input: decode, orient, resize, crop, normalise."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator

from googlenet.data.bilinear import resize_window
from googlenet.data.decode import decode

__all__ = [
    "Filter",
    "Preprocessing",
    "Resize",
    "crop_rectangle",
    "decode",
    "decode_for",
    "normalise",
    "prepare",
    "resize_and_crop",
    "resized_size",
    "resized_window",
]

Resize = Literal["shorter-side", "warp", "none"]
Filter = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos", "bilinear-no-antialias"]

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

LONG = 16
"""Longer side / shorter side, from which on a picture is not resized as a whole."""


class Preprocessing(BaseModel):
    """Everything between the bytes of a photograph and the network, as the sealed model stores it.

    The network's input is ``(pixel - mean) * scale`` per channel, pixels 0–255, channels in ``channel_order``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    orientation: Literal["exif", "ignore"] = "exif"
    draft: bool = True  # let the JPEG decoder halve big photographs while it decodes
    resize: Resize = "shorter-side"
    resize_size: int = Field(default=256, ge=8, le=4096)
    filter: Filter = "bilinear"  # Pillow's, antialiased; «bilinear-no-antialias» is OpenCV's INTER_LINEAR
    crop_size: int = Field(default=224, ge=8, le=4096)
    channel_order: Literal["RGB", "BGR"] = "RGB"
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    scale: tuple[float, float, float] = (1 / 127.5, 1 / 127.5, 1 / 127.5)

    @model_validator(mode="after")
    def _crop_fits(self) -> Preprocessing:
        if self.resize != "none" and self.crop_size > self.resize_size:
            raise ValueError(
                f"crop_size {self.crop_size} is larger than resize_size {self.resize_size}; make it at most as large"
            )
        return self

    @property
    def mean_rgb(self) -> tuple[int, int, int]:
        """The mean as a colour, red first: what a picture smaller than the crop is padded with."""
        first, second, third = (min(255, max(0, round(value))) for value in self.mean)
        return (first, second, third) if self.channel_order == "RGB" else (third, second, first)


def resize_and_crop(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    """The centre square of ``crop_size`` pixels of the resized picture (mode RGB in and out).

    ``warp`` resizes to a square of ``resize_size`` whatever the shape; ``shorter-side`` keeps the shape, the longer
    side rounded to the nearest pixel; ``none`` does not resize. The crop starts at ``(size - crop) // 2``. A picture
    smaller than the crop is centred on the mean colour. Of a very long picture (1 x 5000 pixels, say) only the crop is
    computed, which Pillow rounds a little differently.
    """
    width, height = resized_size(image.size, preprocessing)
    crop = preprocessing.crop_size
    left, top = max(0, (width - crop) // 2), max(0, (height - crop) // 2)
    window = (left, top, min(width, left + crop), min(height, top + crop))
    cut = resized_window(image, (width, height), window, preprocessing.filter)
    if cut.size == (crop, crop):
        return cut
    canvas = Image.new("RGB", (crop, crop), preprocessing.mean_rgb)
    canvas.paste(cut, ((crop - cut.width) // 2, (crop - cut.height) // 2))
    return canvas


def normalise(pixels: Image.Image | NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """``(pixel - mean) * scale``: RGB pixels (H, W, 3), 0–255 -> float32 (3, H, W) in ``channel_order``."""
    values = np.asarray(pixels)
    result = np.empty((3, *values.shape[:2]), np.float32)
    channels = (0, 1, 2) if preprocessing.channel_order == "RGB" else (2, 1, 0)
    for target, channel in enumerate(channels):
        np.subtract(values[..., channel], np.float32(preprocessing.mean[target]), out=result[target])
        result[target] *= np.float32(preprocessing.scale[target])
    return result


def prepare(source: Path | bytes, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """An image file, or its bytes, as the network's input: float32 (3, crop_size, crop_size). Raises ``ImageError``."""
    return normalise(resize_and_crop(decode_for(source, preprocessing), preprocessing), preprocessing)


def decode_for(source: Path | bytes, preprocessing: Preprocessing) -> Image.Image:
    """The whole photograph as ``resize_and_crop`` is to have it; a big JPEG may come halved. Raises ``ImageError``."""
    draft = preprocessing.draft and preprocessing.resize != "none"
    return decode(
        source, orientation=preprocessing.orientation, draft_size=preprocessing.resize_size if draft else None
    )


def crop_rectangle(size: tuple[int, int], preprocessing: Preprocessing) -> tuple[float, float, float, float]:
    """Where on a picture of ``size``, (width, height), the network looks: left, top, right, bottom, as fractions of it.

    Below 0 and above 1 where the picture is smaller than the crop and stands on the mean colour.
    """
    crop = preprocessing.crop_size
    width, height = resized_size(size, preprocessing)
    left, top = ((side - crop) // 2 if side >= crop else -((crop - side) // 2) for side in (width, height))
    return left / width, top / height, (left + crop) / width, (top + crop) / height


def resized_size(size: tuple[int, int], preprocessing: Preprocessing) -> tuple[int, int]:
    """What a picture of ``size``, (width, height), is resized to."""
    target = preprocessing.resize_size
    match preprocessing.resize:
        case "warp":
            return target, target
        case "shorter-side":
            width, height = size
            if width < height:
                return target, round(height * target / width)
            return round(width * target / height), target
        case "none":
            return size


def resized_window(
    image: Image.Image, size: tuple[int, int], window: tuple[int, int, int, int], filter: Filter
) -> Image.Image:
    """The part ``window`` (left, top, right, bottom) of the picture resized to ``size``, (width, height).

    Of a very long picture only that part is computed.
    """
    if image.size == size:
        return image.crop(window)
    if filter == "bilinear-no-antialias":
        return Image.fromarray(resize_window(np.asarray(image), size, window))
    if max(size) <= LONG * min(size):
        return image.resize(size, RESAMPLING[filter]).crop(window)
    scale_x, scale_y = image.width / size[0], image.height / size[1]
    left, top, right, bottom = window
    box = (
        left * scale_x,
        top * scale_y,
        min(right * scale_x, image.width),  # rounding may pass the border by a hair, which Pillow refuses
        min(bottom * scale_y, image.height),
    )
    return image.resize((right - left, bottom - top), RESAMPLING[filter], box=box)
