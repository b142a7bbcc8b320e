"""Decoding and preprocessing against Pillow used by hand, OpenCV, and arithmetic."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from googlenet.data.decode import decode
from googlenet.data.preprocess import Preprocessing, normalise, prepare, resize_and_crop
from googlenet.errors import ImageError


def _bytes(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = _bytes(_noise(12, 8), exif=exif)
    expected = ImageOps.exif_transpose(Image.open(BytesIO(content)))
    assert np.array_equal(np.asarray(decode(content)), np.asarray(expected))
    assert np.array_equal(np.asarray(decode(content, orientation="ignore")), np.asarray(_noise(12, 8)))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("L", (4, 4), 100), (100, 100, 100)),
        (Image.new("1", (4, 4), 1), (255, 255, 255)),
        (Image.new("RGBA", (4, 4), (200, 100, 50, 0)), (255, 255, 255)),
        (Image.new("RGBA", (4, 4), (200, 100, 50, 255)), (200, 100, 50)),
        (Image.new("LA", (4, 4), (90, 255)), (90, 90, 90)),
        (Image.new("P", (4, 4), 0), (0, 0, 0)),
        (Image.fromarray(np.full((4, 4), 257 * 77, np.uint16)), (77, 77, 77)),
    ],
    ids=["gray", "black and white", "transparent", "opaque", "gray with alpha", "palette", "16 bit"],
)
def test_every_mode_becomes_rgb(image: Image.Image, expected: tuple[int, int, int]) -> None:
    picture = decode(_bytes(image))
    assert picture.mode == "RGB"
    assert picture.getpixel((1, 1)) == expected


def test_cmyk() -> None:
    picture = decode(_bytes(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100))
    red, green, blue = np.asarray(picture)[8, 8].astype(int)
    assert (red > 240, green < 15, blue < 15) == (True, True, True)


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    Image.fromarray(np.ones((4, 4), np.float32)).save(path)
    with pytest.raises(ImageError, match=r"float\.tif.*floating-point"):
        decode(path)


@pytest.mark.parametrize("size", [(500, 375), (375, 500), (300, 300), (256, 257), (40, 1000)])
def test_shorter_side_equals_pillow_by_hand(size: tuple[int, int]) -> None:
    image = _noise(*size)
    found = np.asarray(resize_and_crop(image, Preprocessing()))
    scale = 256 / min(size)
    whole = image.resize(
        (max(256, round(size[0] * scale)), max(256, round(size[1] * scale))), Image.Resampling.BILINEAR
    )
    left, top = (whole.width - 224) // 2, (whole.height - 224) // 2
    expected = np.asarray(whole.crop((left, top, left + 224, top + 224)))
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_warp_equals_pillow_by_hand() -> None:
    image = _noise(500, 333)
    found = resize_and_crop(image, Preprocessing(resize="warp"))
    expected = image.resize((256, 256), Image.Resampling.BILINEAR).crop((16, 16, 240, 240))
    assert np.abs(np.asarray(found).astype(int) - np.asarray(expected)).max() <= 1


def test_without_antialiasing_equals_opencv() -> None:
    image = _noise(500, 333)
    found = resize_and_crop(image, Preprocessing(resize="warp", filter="bilinear-no-antialias"))
    expected = cv2.resize(np.asarray(image), (256, 256), interpolation=cv2.INTER_LINEAR)[16:240, 16:240]
    assert np.array_equal(np.asarray(found), expected)


def test_a_small_picture_is_centred_on_the_mean_colour() -> None:
    preprocessing = Preprocessing(resize="none", channel_order="BGR", mean=(10, 20, 30))
    found = np.asarray(resize_and_crop(Image.new("RGB", (100, 100), "white"), preprocessing))
    assert found[0, 0].tolist() == [30, 20, 10]
    assert found[112, 112].tolist() == [255, 255, 255]


def test_extreme_shapes_work() -> None:
    for size in ((1, 5000), (5000, 1), (1, 1)):
        for resize in ("warp", "shorter-side", "none"):
            assert prepare(_bytes(_noise(*size)), Preprocessing(resize=resize)).shape == (3, 224, 224)


def test_normalise_in_bgr() -> None:
    pixels = np.array([[[10, 20, 30]]], np.uint8)
    preprocessing = Preprocessing(channel_order="BGR", mean=(1, 2, 3), scale=(1, 10, 100))
    assert normalise(pixels, preprocessing)[:, 0, 0].tolist() == [29, 180, 700]


def test_bvlc_s_preprocessing_equals_opencv_s_blob() -> None:
    image = _noise(224, 224)
    preprocessing = Preprocessing(resize="none", channel_order="BGR", mean=(104, 117, 123), scale=(1, 1, 1))
    blob = cv2.dnn.blobFromImage(np.asarray(image)[..., ::-1].copy(), 1.0, (224, 224), (104, 117, 123), swapRB=False)
    np.testing.assert_allclose(normalise(image, preprocessing), blob[0], atol=1e-5)


def test_a_crop_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="crop_size 300 is larger than resize_size 256"):
        Preprocessing(crop_size=300)
