"""From the bytes of an image file to 8-bit RGB pixels, by rules that hold for training and inference alike.

- Only JPEG, PNG, WebP, BMP, GIF and TIFF are read, told by their content; of animated files the first frame.
- Transparency is laid over white. Gray and palette images become RGB; CMYK and YCCK as Pillow converts them.
- 16-bit gray values (0 to 65535) are divided by 257 and rounded; Pillow itself halves 16-bit colour PNGs to 8 bits.
- Colour profiles are ignored. Floating-point images are refused: no range is agreed for them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from googlenet.data.jpeg import decode_jpeg, is_plain
from googlenet.data.shards import shards_of
from googlenet.errors import ImageError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 178_956_970
"""Larger pictures are refused by their header: twice Pillow's own warning limit, about 0.5 GB as RGB."""

Orientation = Literal["exif", "ignore"]

TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what turns the picture upright; 1 is upright already."""

# What Pillow warns about (odd metadata, 89 to 178 megapixels) is either harmless here or refused by a check below.
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, eq=False)
class Decoded:
    """A picture, and what its file says of itself."""

    pixels: NDArray[np.uint8]  # RGB, (height, width, 3)
    format: str  # by the content, in Pillow's words: JPEG, PNG, …
    stored: str  # how the pixels are stored: Pillow's mode, «16 bits», or «P with transparency»
    size: tuple[int, int]  # width and height as stored, before any turning
    turned: bool  # its orientation tag asks for a turn or a mirror


def decode(
    source: Path | bytes, *, orientation: Orientation = "exif", draft_size: int | None = None, name: str = "image"
) -> Image.Image:
    """The picture as mode RGB, upright where ``orientation`` is ``exif``.

    ``draft_size``: pixels; a JPEG may come halved (1/2, 1/4, 1/8) as long as both sides keep at least so many.
    ``name`` stands for the file in messages when ``source`` is bytes. Raises ``ImageError``.
    """
    if isinstance(source, Path):
        source, name = read_bytes(source), str(source)
    with _opened(source, name) as image:
        _draft(image, draft_size)
        return _upright(image, orientation, name)


def decode_own(
    source: bytes, *, orientation: Orientation = "exif", draft_size: int | None = None, name: str = "image"
) -> Decoded:
    """As ``decode`` to the same pixels, with what the file says of itself.

    For the user's own photographs alone: where simplejpeg is installed, JPEG takes half the time (``jpeg``).
    """
    if is_plain(source) and (picture := decode_jpeg(source, draft_size, MAX_PIXELS)) is not None:
        pixels, size = picture
        return Decoded(pixels, "JPEG", "RGB", size, turned=False)
    with _opened(source, name) as image:
        format, size, stored = image.format or "", image.size, _stored(image)
        tag = _orientation(image)  # asked here, since a TIFF file has forgotten it after load()
        picture = decode_jpeg(source, draft_size, MAX_PIXELS) if format == "JPEG" else None
        if picture is None:
            _draft(image, draft_size)
            pixels = np.asarray(_upright(image, orientation, name))
        elif orientation == "exif" and tag in TRANSPOSE:
            pixels = np.asarray(Image.fromarray(picture[0]).transpose(TRANSPOSE[tag]))
        else:
            pixels = picture[0]
        return Decoded(pixels, format, stored, size, turned=tag in TRANSPOSE)


@contextmanager
def _opened(source: bytes, name: str) -> Iterator[ImageFile.ImageFile]:
    """The picture, its header read; whatever goes wrong with it inside is raised as an ``ImageError``."""
    if not source:
        raise ImageError(f"{name}: is empty (0 bytes); replace it with a whole copy")
    try:
        with Image.open(BytesIO(source), formats=FORMATS) as image:
            _check_size(image, name)
            yield image
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(f"{name}: is not a JPEG, PNG, WebP, BMP, GIF or TIFF image; convert or remove it") from None
    except Image.DecompressionBombError:
        raise ImageError(f"{name}: claims more than {MAX_PIXELS:,} pixels; make it smaller or remove it") from None
    except Exception as error:  # a damaged file can raise anything in a decoder, and that is never our caller's defect
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{name}: is damaged ({reason}); replace it with a whole copy") from error


def _draft(image: ImageFile.ImageFile, size: int | None) -> None:
    if size is not None:
        image.draft(None, (size, size))


def _upright(image: ImageFile.ImageFile, orientation: Orientation, name: str) -> Image.Image:
    image.load()
    # Read after load(): TIFF files come upright from there, and then carry no orientation any more.
    method = TRANSPOSE.get(_orientation(image))
    return _to_rgb(image if method is None or orientation == "ignore" else image.transpose(method), name)


def read_bytes(path: Path) -> bytes:
    """The whole file, or what a packed data set holds as such (``shards``).

    Raises ``ImageError`` where it is missing, unreadable, damaged in its shard or no regular file (a pipe would hang).
    """
    try:
        if path.is_file():
            return path.read_bytes()
        if path.exists():
            raise ImageError(f"{path}: is not a regular file; give the path of an image file")
        if (shards := shards_of(path)) is not None:
            return shards.read(path)
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ImageError(f"{path}: cannot be read ({reason}); check that it exists and its permissions") from error


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name}: is {width} x {height}, more than {MAX_PIXELS:,} pixels; make it smaller or remove it"
        )


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged metadata beside good pixels: every viewer shows such a picture as it lies
        return 1


def _stored(image: ImageFile.ImageFile) -> str:
    # Asked before load(), which forgets how the file holds its pixels.
    if image.mode.startswith("I") or any(";16" in str(tile.args) for tile in image.tile):
        return "16 bits"
    return "P with transparency" if image.mode == "P" and "transparency" in image.info else image.mode


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "F":
        raise ImageError(f"{name}: holds floating-point pixels, whose range is not known; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        return _from_16_bits(image, name)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        white.alpha_composite(layer)
        return white.convert("RGB")
    return image.convert("RGB")


def _from_16_bits(image: Image.Image, name: str) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ImageError(f"{name}: has pixels from {values.min()} to {values.max()}; save it with 8 or 16 bits")
    gray = ((values + 128) // 257).astype(np.uint8)
    if isinstance(transparent := image.info.get("transparency"), int):
        gray[values == transparent] = 255
    return Image.fromarray(gray).convert("RGB")
