"""The way of an image to the network in five steps, each of which can be looked at, and replaced by a wrong one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from pydantic import BaseModel, ConfigDict

from googlenet.data.decode import TRANSPOSE
from googlenet.data.preprocess import (
    Preprocessing,
    decode,
    normalise,
    resize_and_crop,
    resized_size,
    resized_window,
)

Stage = Literal["decode", "orient", "resize", "crop", "normalise", "logits"]
STAGES: tuple[Stage, ...] = ("decode", "orient", "resize", "crop", "normalise", "logits")
Layout = Literal["NCHW", "NHWC"]
Array = NDArray[Any]

GRID = 4
"""A summary has so many cells each way."""


@dataclass(frozen=True)
class Pipeline:
    """One function per step. Pixels are uint8 (height, width, 3), RGB; what ``normalise`` gives is float32."""

    decode: Callable[[bytes], Array]
    orient: Callable[[bytes, Array], Array]
    resize: Callable[[Array], Array]
    crop: Callable[[Array], Array]
    normalise: Callable[[Array], Array]

    def run(
        self, content: bytes, until: Stage = "normalise", known: Mapping[Stage, Array] | None = None
    ) -> dict[Stage, Array]:
        """What comes out of each step, up to ``until``, for an image file's content.

        ``known``: results of the first steps, which are taken as they are.
        """
        results: dict[Stage, Array] = {}
        for stage in STAGES[: STAGES.index(until) + 1]:
            results[stage] = known[stage] if known and stage in known else self._step(stage, content, results)
        return results

    def _step(self, stage: Stage, content: bytes, results: Mapping[Stage, Array]) -> Array:
        match stage:
            case "decode":
                return self.decode(content)
            case "orient":
                return self.orient(content, results["decode"])
            case "resize":
                return self.resize(results["orient"])
            case "crop":
                return self.crop(results["resize"])
            case "normalise":
                return self.normalise(results["crop"])
            case "logits":
                raise ValueError("logits are the network's, not the pipeline's")


def pipeline(preprocessing: Preprocessing, layout: Layout) -> Pipeline:
    """The right steps. JPEGs are decoded in full size, never halved, for that is one decoder's art."""
    fixed = preprocessing.model_copy(update={"resize": "none"})

    return Pipeline(
        decode=lambda content: np.asarray(decode(content, orientation="ignore")),
        orient=turned if preprocessing.orientation == "exif" else lambda content, pixels: pixels,
        resize=lambda pixels: resized(pixels, preprocessing),
        crop=lambda pixels: np.asarray(resize_and_crop(Image.fromarray(pixels), fixed)),
        normalise=lambda pixels: in_layout(normalise(pixels, preprocessing), layout),
    )


def turned(content: bytes, pixels: Array) -> Array:
    """``pixels`` as the EXIF orientation in ``content`` says."""
    with Image.open(BytesIO(content)) as image:
        method = TRANSPOSE.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return pixels if method is None else np.asarray(Image.fromarray(pixels).transpose(method))


def resized(pixels: Array, preprocessing: Preprocessing) -> Array:
    """The whole picture resized by the rule of ``preprocessing``."""
    image = Image.fromarray(pixels)
    size = resized_size(image.size, preprocessing)
    return np.asarray(resized_window(image, size, (0, 0, *size), preprocessing.filter))


def in_layout(image: Array, layout: Layout) -> Array:
    """An image (3, H, W) as the network wants it."""
    return image if layout == "NCHW" else np.ascontiguousarray(image.transpose(1, 2, 0))


class Summary(BaseModel):
    """An array in about a hundred numbers: enough to see that two are nearly the same, and where not.

    ``mean`` and ``std`` of 4 x 4 cells by channel: [row][column][channel]. Cell i of an axis of n pixels begins at
    ``i * n // 4``. ``sha256`` is of the array's bytes in C order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    shape: tuple[int, ...]
    mean: tuple[tuple[tuple[float, ...], ...], ...]
    std: tuple[tuple[tuple[float, ...], ...], ...]
    sha256: str | None = None

    def distance(self, other: Summary) -> float:
        """The greatest difference of a mean or a deviation; infinite where the shapes differ."""
        if self.shape != other.shape:
            return float("inf")
        pairs = ((self.mean, other.mean), (self.std, other.std))
        arrays = [(np.array(own, np.float64), np.array(their, np.float64)) for own, their in pairs]
        if any(own.shape != their.shape for own, their in arrays):
            return float("inf")
        return max(float(np.abs(own - their).max()) for own, their in arrays)


def summarise(array: Array) -> Summary:
    """The summary of an image (H, W, C), (C, H, W) or (H, W): the axis of three or fewer is the channels'."""
    image = array if array.ndim == 3 else array.reshape(*array.shape[:2], -1)
    if image.shape[0] <= 4 < image.shape[2]:
        image = image.transpose(1, 2, 0)
    rows, columns = ([i * n // GRID for i in range(GRID + 1)] for n in image.shape[:2])
    mean, std = np.empty((2, GRID, GRID, image.shape[2]))
    for i in range(GRID):
        for j in range(GRID):
            cell = image[rows[i] : max(rows[i + 1], rows[i] + 1), columns[j] : max(columns[j + 1], columns[j] + 1)]
            mean[i, j], std[i, j] = (function(cell, axis=(0, 1), dtype=np.float64) for function in (np.mean, np.std))
    return Summary(
        shape=array.shape,
        mean=_rounded(mean),
        std=_rounded(std),
        sha256=hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest(),
    )


def summaries(arrays: Mapping[Stage, Array]) -> dict[Stage, Summary]:
    """The summary of each step's result."""
    return {stage: summarise(array) for stage, array in arrays.items()}


def _rounded(values: NDArray[np.float64]) -> Any:
    """Nested tuples of five significant digits: rounding is far below what is tolerated."""
    return tuple(tuple(tuple(float(f"{v:.5g}") for v in cell) for cell in row) for row in values)
