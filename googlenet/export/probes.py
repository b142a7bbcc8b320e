"""Small images made for the purpose: together they tell apart whatever goes wrong before the network.

Sizes follow the model's ``resize_size``, so that resizing has something to do, and the halving of big JPEGs has not.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from googlenet.data.preprocess import Preprocessing

Pixels = NDArray[np.uint8]

_QUALITY = 95
_TURNED = 6  # EXIF: the camera lay on its side, turn by 90° to the right


def make_probes(preprocessing: Preprocessing) -> dict[str, bytes]:
    """File name -> content. The same for the same preprocessing and version of Pillow."""
    size = preprocessing.resize_size if preprocessing.resize != "none" else preprocessing.crop_size
    return {name: make(size) for name, make in _PROBES.items()}


def _gradient(size: int) -> bytes:
    """Red grows to the right, green downwards, blue along the diagonal: shifts and swaps move every mean."""
    across, down = _axes(size * 5 // 4, size)
    return _png(np.stack([across, down, (across + down) / 2], axis=-1) * 255)


def _noise(size: int) -> bytes:
    """What every filter changes in its own way."""
    return _png(np.random.default_rng(0).integers(0, 256, (size * 11 // 10, size * 6 // 5, 3)))


def _fine(size: int) -> bytes:
    """Black and white pixels at twice the size: gray with antialiasing, still noise without."""
    gray = np.random.default_rng(1).integers(0, 2, (size * 2, size * 5 // 2, 1)) * 255
    return _png(gray.repeat(3, axis=-1))


def _mark(size: int) -> bytes:
    """A bright square off the centre, in a wide picture: crops, warps and mirrors displace it."""
    pixels = np.full((size, size * 7 // 4, 3), (16, 24, 40))
    pixels[size // 8 : size // 2, size // 2 : size * 3 // 4] = (250, 220, 180)
    return _png(pixels)


def _odd(size: int) -> bytes:
    """A tall picture smaller than the resized one, both sides odd: the rounding of sizes and of the crop."""
    width, height = size * 3 // 8 | 1, size * 5 // 7 | 1
    while height * size / width % 1 < 0.6:  # down and to the nearest are to be two different sizes
        height += 2
    across, down = _axes(width, height)
    waves = [np.sin(9 * across + phase) * np.cos(7 * down - phase) for phase in (0, 1, 2)]
    return _png((np.stack(waves, axis=-1) + 1) * 127)


def _saturated(size: int) -> bytes:
    """Pure colours side by side, in a JPEG of full chroma: what mixes or clips channels shows."""
    colours = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255), (0, 255, 255)])
    rows, columns = np.mgrid[0:size, 0 : size * 9 // 8]
    side = max(8, size // 4)
    return _jpeg(_image(colours[(rows // side * 2 + columns // side) % len(colours)]))


def _exif(size: int) -> bytes:
    """Lies on its side and says so in its EXIF orientation."""
    across, down = _axes(size, size * 4 // 3)
    exif = Image.Exif()
    exif[0x0112] = _TURNED
    pixels = np.stack([255 * across**2, 255 * down**2, 255 * across * down], axis=-1)
    return _jpeg(_image(pixels), exif=exif)


def _gray(size: int) -> bytes:
    """One channel."""
    across, down = _axes(size * 6 // 5, size | 1)
    return _saved(_image(255 * across * (1 - down)), "PNG")


def _cmyk(size: int) -> bytes:
    """Four channels, as printers have them; inside the file their values are inverted, as Adobe does."""
    across, down = _axes(size, size)
    pixels = np.stack([across, down, 1 - across, 0.4 * down], axis=-1) * 255
    return _jpeg(Image.frombytes("CMYK", (size, size), pixels.astype(np.uint8).tobytes()))


def _transparent(size: int) -> bytes:
    """Fades out downwards: white shines through."""
    across, down = _axes(size * 9 // 8, size)
    return _png(np.stack([across, 1 - across, 0.2 + 0 * down, 1 - down], axis=-1) * 255)


_PROBES: dict[str, Callable[[int], bytes]] = {
    "gradient.png": _gradient,
    "noise.png": _noise,
    "fine.png": _fine,
    "mark.png": _mark,
    "odd.png": _odd,
    "saturated.jpg": _saturated,
    "exif.jpg": _exif,
    "gray.png": _gray,
    "cmyk.jpg": _cmyk,
    "transparent.png": _transparent,
}


def _axes(width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far to the right and how far down each pixel lies: two arrays (height, width), 0–1."""
    down, across = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    return across, down


def _image(values: NDArray[np.float64] | NDArray[np.int64]) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8))


def _png(values: NDArray[np.float64] | NDArray[np.int64]) -> bytes:
    return _saved(_image(values), "PNG")


def _jpeg(image: Image.Image, exif: Image.Exif | None = None) -> bytes:
    # Chroma in full resolution: decoders differ in how they interpolate it.
    extra = {} if exif is None else {"exif": exif}
    return _saved(image, "JPEG", quality=_QUALITY, subsampling=0, **extra)


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()
