from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from googlenet.data import decode as module
from googlenet.data.decode import decode
from googlenet.errors import ImageError


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def smooth(width: int, height: int) -> Image.Image:
    """Left dark, right bright, lower part bluer: no two orientations of it are alike, and JPEG keeps it."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 200 // width, x * 100 // width, y * 255 // height], -1).astype(np.uint8))


def over_white(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.float64]:
    share = alpha[..., None].astype(float) / 255
    return colour * share + 255 * (1 - share)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_every_format_is_read_whatever_the_file_is_called(format: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.dat"
    path.write_bytes(encoded(Image.new("RGB", (20, 10), "white"), format))
    image = decode(path)
    assert (image.mode, image.size) == ("RGB", (20, 10))
    assert np.asarray(image).min() >= 254


def test_gray_becomes_three_equal_channels() -> None:
    gray = noise(6, 5)
    pixels = np.asarray(decode(encoded(Image.fromarray(gray))))
    assert np.array_equal(pixels, np.repeat(gray[..., None], 3, -1))


def test_one_bit_becomes_black_and_white() -> None:
    bits = noise(6, 5) > 127
    assert np.array_equal(np.asarray(decode(encoded(Image.fromarray(bits))))[..., 0], bits * 255)


def test_rgba_is_laid_over_white() -> None:
    rgba = noise(8, 9, 4)
    pixels = np.asarray(decode(encoded(Image.fromarray(rgba))))
    assert np.abs(pixels - over_white(rgba[..., :3], rgba[..., 3])).max() <= 1


def test_gray_with_alpha_is_laid_over_white() -> None:
    gray = noise(8, 9, 2)
    pixels = np.asarray(decode(encoded(Image.fromarray(gray, "LA"))))
    assert np.abs(pixels - over_white(gray[..., :1], gray[..., 1])).max() <= 1


@pytest.mark.parametrize("transparency", [2, bytes([255, 128, 0, 255])])
def test_palette_with_transparency_is_laid_over_white(transparency: int | bytes) -> None:
    colours = noise(4, 3)
    indices = noise(7, 6) % 4
    image = Image.fromarray(indices)
    image.putpalette(colours.tobytes())
    alpha = np.array(list(transparency) if isinstance(transparency, bytes) else [255, 255, 0, 255], np.uint8)
    pixels = np.asarray(decode(encoded(image, transparency=transparency)))
    assert np.abs(pixels - over_white(colours[indices], alpha[indices])).max() <= 1


def test_a_transparent_colour_of_an_rgb_png_is_white() -> None:
    image = Image.fromarray(np.array([[[9, 8, 7], [1, 2, 3]]], np.uint8))
    pixels = np.asarray(decode(encoded(image, transparency=(9, 8, 7))))
    assert pixels.tolist() == [[[255, 255, 255], [1, 2, 3]]]


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_gray_is_divided_by_257(format: str) -> None:
    values = np.array([[0, 128, 129, 257, 32767, 65406, 65407, 65535]], np.uint16)
    pixels = np.asarray(decode(encoded(Image.fromarray(values), format)))
    assert np.array_equal(pixels[..., 0], np.rint(values / 257).astype(np.uint8))


def test_32_bit_values_past_16_bits_are_refused() -> None:
    values = np.array([[0, 65536]], np.int32)
    with pytest.raises(ImageError, match="pixels from 0 to 65536"):
        decode(encoded(Image.fromarray(values), "TIFF"))


def test_floating_point_pixels_are_refused() -> None:
    with pytest.raises(ImageError, match="floating-point"):
        decode(encoded(Image.new("F", (4, 4), 0.5), "TIFF"))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_16_bit_colour_png_keeps_the_high_byte() -> None:
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    pixel = b"\0" + struct.pack(">HHH", 0x1234, 0xABCD, 0xFF00)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixel)) + chunk(b"IEND", b"")
    assert np.asarray(decode(png)).tolist() == [[[0x12, 0xAB, 0xFF]]]


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_means_what_it_means_on_paper(format: str) -> None:
    # Pillow writes CMYK JPEGs inverted with an Adobe marker, as Photoshop does.
    image = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    image.paste((0, 255, 255, 0), (8, 0, 16, 16))
    pixels = np.asarray(decode(encoded(image, format))).astype(int)
    assert np.abs(pixels[8, 2] - (255, 255, 255)).max() <= 3
    assert np.abs(pixels[8, 13] - (255, 0, 0)).max() <= 3


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.asarray(decode(gif))[0, 0].tolist() == [255, 0, 0]


# What the camera did to the upright picture, as NumPy moves, for each value of the EXIF tag.
CAMERA: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", CAMERA)
def test_exif_orientation_is_undone(orientation: int, format: str) -> None:
    upright = np.asarray(smooth(48, 32))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = encoded(Image.fromarray(np.ascontiguousarray(CAMERA[orientation](upright))), format, exif=exif)
    image = decode(stored)
    assert image.size == (48, 32)
    assert np.abs(np.asarray(image).astype(int) - upright).max() < 30


def test_exif_orientation_can_be_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(smooth(48, 32), "JPEG", exif=exif), orientation="ignore").size == (48, 32)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # pytest drops the filters that the module set
def test_damaged_exif_does_not_cost_the_picture() -> None:
    jpeg = encoded(smooth(48, 32), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert decode(jpeg).size == (48, 32)


def test_draft_keeps_both_sides_at_least_as_large_as_asked() -> None:
    jpeg = encoded(smooth(1024, 600), "JPEG")
    assert decode(jpeg, draft_size=256).size == (512, 300)
    assert decode(jpeg, draft_size=301).size == (1024, 600)
    assert decode(jpeg).size == (1024, 600)


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"this is a text file", "is not a JPEG"),
        (png_header(65000, 65000), "claims more than 178,956,970 pixels"),
        (encoded(smooth(200, 200), "JPEG")[:2000], "truncated"),
        (encoded(Image.fromarray(noise(50, 50, 3)))[:3000], "damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "is not a JPEG"),
    ],
    ids=["empty", "text", "bomb", "short-jpeg", "short-png", "postscript"],
)
def test_a_bad_file_is_refused_in_one_line_that_names_it(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=reason) as caught:
        decode(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert ";" in message  # what is wrong; what to do


def test_the_pixel_cap_is_checked_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PIXELS", 99)
    with pytest.raises(ImageError, match="10 x 10, more than 99 pixels"):
        decode(encoded(Image.new("RGB", (10, 10)))[:60])  # the pixels are not even there


def test_an_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "a.png"
    path.write_bytes(encoded(smooth(4, 4)))
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ImageError, match=r"a\.png: cannot be read \(Permission denied\)"):
        decode(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no\.png: cannot be read \(No such file"):
        decode(tmp_path / "no.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="not a regular file"):
        decode(tmp_path / "pipe.png")
