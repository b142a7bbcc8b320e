"""The quick decoder of one's own JPEG files against Pillow's own decoding: the same pixels, or the same refusal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from googlenet.data import jpeg as module
from googlenet.data.decode import MAX_PIXELS, decode, decode_own
from googlenet.data.jpeg import decode_jpeg
from googlenet.errors import ImageError

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    module._decoder.cache_clear()
    yield
    module._decoder.cache_clear()


def picture(width: int, height: int) -> Image.Image:
    """Smooth, with noise and edges."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(0).integers(0, 60, (height, width, 3))
    return Image.fromarray((np.stack([x % 160, y % 190, (x + y) // 9 % 2 * 150], -1) + noise).astype(np.uint8))


def encoded(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def both(content: bytes, **options: Any) -> tuple[np.ndarray | str, np.ndarray | str]:
    """What ``decode_own`` and ``decode`` make of a file: pixels, or the refusal's words."""
    found: list[np.ndarray | str] = []
    for call in (lambda: decode_own(content, **options).pixels, lambda: np.asarray(decode(content, **options))):
        try:
            found.append(call())
        except ImageError as error:
            found.append(str(error))
    return found[0], found[1]


def same(content: bytes, **options: Any) -> bool:
    quick, pillow = both(content, **options)
    return quick == pillow if isinstance(quick, str) or isinstance(pillow, str) else np.array_equal(quick, pillow)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (150, 118), (333, 500), (1031, 777)])
@pytest.mark.parametrize(
    "options",
    [
        {"quality": 30},
        {"quality": 95, "subsampling": "4:4:4"},
        {"subsampling": "4:2:2"},
        {"subsampling": "4:1:1"},
        {"progressive": True},
        {"optimize": True, "restart_marker_blocks": 3},
        {"keep_rgb": True},
        {"icc_profile": b"a profile"},
        {"exif": turned(6)},
        {"exif": turned(5), "progressive": True},
        {"xmp": XMP},
    ],
    ids=lambda options: "-".join(options),
)
def test_pixels_are_pillows(size: tuple[int, int], options: dict[str, Any]) -> None:
    content = encoded(picture(*size), **options)
    for draft_size in (None, 8, 32, 100, 256, 700):
        assert decode_jpeg(content, draft_size, MAX_PIXELS) is not None, "left to Pillow, which proves nothing"
        assert same(content, draft_size=draft_size)
        assert same(content, draft_size=draft_size, orientation="ignore")


def test_what_a_file_says_of_itself_is_told() -> None:
    plain, upside_down = decode_own(encoded(picture(50, 40))), decode_own(encoded(picture(50, 40), exif=turned(3)))
    assert (plain.format, plain.stored, plain.size, plain.turned) == ("JPEG", "RGB", (50, 40), False)
    assert (upside_down.format, upside_down.stored, upside_down.size, upside_down.turned) == (
        "JPEG",
        "RGB",
        (50, 40),
        True,
    )
    lying = decode_own(encoded(picture(50, 40), exif=turned(6)), draft_size=8)
    assert (lying.size, lying.pixels.shape) == ((50, 40), (13, 10, 3))
    assert decode_own(encoded(picture(50, 40), xmp=XMP)).turned


def test_an_orientation_behind_fill_bytes_is_seen() -> None:
    content = encoded(picture(50, 40), exif=turned(6))
    comment = bytearray(b"\xff\xfe\xff\xff" + bytes(65533))  # the longest there may be, after EXIF and before all else
    after = content.index(b"\xff\xdb")
    filled = content[:after].replace(b"\xff\xe1", b"\xff\xff\xe1", 1)
    # Where the fill byte points if it is taken for a marker: a false scan.
    place = filled.index(b"\xff\xff\xe1\0") + 2 + 0xE100 - len(filled)
    comment[place : place + 4] = b"\xff\xda\0\0"
    filled += comment + content[after:]
    assert decode_own(filled).turned
    assert same(filled)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours_and_several_pictures_are_left_to_pillow(mode: str) -> None:
    other = encoded(picture(60, 40).convert(mode))
    assert decode_jpeg(other, None, MAX_PIXELS) is None
    assert same(other)
    assert decode_own(other).stored == mode
    several = encoded(picture(60, 40), "MPO", save_all=True, append_images=[picture(60, 40).rotate(180)])
    assert same(several)
    assert decode_own(several).format == "MPO"


def test_every_cut_and_every_damage_ends_as_with_pillow() -> None:
    content, rng = encoded(picture(90, 70)), np.random.default_rng(0)
    assert all(same(content[:end]) for end in range(1, len(content), 7))
    for place in rng.integers(2, len(content), 300):
        broken = bytearray(content)
        broken[place] ^= 1 << rng.integers(8)
        assert same(bytes(broken)), place


def test_more_pixels_than_allowed_are_not_decoded() -> None:
    assert decode_jpeg(encoded(picture(60, 40)), None, 60 * 40 - 1) is None
    assert decode_jpeg(encoded(picture(60, 40)), None, 60 * 40) is not None


def test_a_decoder_that_gives_other_pixels_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    content, right = encoded(picture(60, 40)), simplejpeg.decode_jpeg
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda *given, **named: right(*given, **named) ^ 1)
    assert decode_jpeg(content, None, MAX_PIXELS) is None
    assert same(content)


def test_without_simplejpeg_pillow_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    assert decode_jpeg(encoded(picture(60, 40)), None, MAX_PIXELS) is None
    assert same(encoded(picture(60, 40)))


def test_real_photographs_are_decoded_as_by_pillow(shared: Path) -> None:
    photographs = sorted((shared / "flowers").rglob("*.jpg"))[::50]
    assert photographs
    for path in photographs:
        for draft_size in (None, 256, 32):
            assert decode_jpeg(path.read_bytes(), draft_size, MAX_PIXELS) is not None
            assert same(path.read_bytes(), draft_size=draft_size)
