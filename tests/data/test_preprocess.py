from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from googlenet.data.preprocess import Filter, Preprocessing, normalise, prepare, resize_and_crop


def photo(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def largest_difference(a: Image.Image, b: Image.Image) -> int:
    return int(np.abs(np.asarray(a).astype(int) - np.asarray(b)).max())


@pytest.mark.parametrize("filter", ["box", "bilinear", "hamming", "bicubic", "lanczos"])
@pytest.mark.parametrize("size", [(500, 375), (333, 500), (100, 90)])
def test_shorter_side_equals_resizing_all_and_cropping_the_centre(size: tuple[int, int], filter: Filter) -> None:
    image = photo(*size)
    scale = 256 / min(size)
    width, height = round(size[0] * scale), round(size[1] * scale)
    left, top = (width - 224) // 2, (height - 224) // 2
    whole = image.resize((width, height), getattr(Image.Resampling, filter.upper()))
    expected = whole.crop((left, top, left + 224, top + 224))
    assert largest_difference(resize_and_crop(image, Preprocessing(filter=filter)), expected) == 0


def test_warp_ignores_the_shape() -> None:
    image = photo(500, 200)
    expected = image.resize((256, 256), Image.Resampling.BILINEAR).crop((16, 16, 240, 240))
    assert largest_difference(resize_and_crop(image, Preprocessing(resize="warp")), expected) == 0


def test_of_a_long_picture_only_the_centre_is_computed() -> None:
    image = photo(4000, 100)
    expected = image.resize((10240, 256), Image.Resampling.BILINEAR).crop((5008, 16, 5232, 240))
    assert largest_difference(resize_and_crop(image, Preprocessing()), expected) <= 1


def test_without_resize_the_centre_is_cut_out() -> None:
    image = photo(301, 260)
    cut = resize_and_crop(image, Preprocessing(resize="none"))
    assert largest_difference(cut, image.crop((38, 18, 262, 242))) == 0


def test_a_picture_smaller_than_the_crop_is_centred_on_the_mean_colour() -> None:
    image = photo(100, 300)
    preprocessing = Preprocessing(resize="none", channel_order="BGR", mean=(104, 117, 123), scale=(1, 1, 1))
    pixels = np.asarray(resize_and_crop(image, preprocessing))
    assert np.array_equal(pixels[:, 62:162], np.asarray(image)[38:262])
    assert (pixels[:, :62] == (123, 117, 104)).all()
    assert not normalise(pixels, preprocessing)[:, :, :62].any()


@pytest.mark.parametrize("filter", ["nearest", "bilinear", "lanczos", "bilinear-no-antialias"])
@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1), (3, 2)])
def test_extreme_shapes_work_and_need_no_memory(size: tuple[int, int], filter: Filter) -> None:
    image = Image.new("RGB", size, (10, 20, 30))
    cut = resize_and_crop(image, Preprocessing(filter=filter))
    assert cut.size == (224, 224)
    assert np.abs(np.asarray(cut).astype(int) - (10, 20, 30)).max() <= 1


@pytest.mark.parametrize(("order", "channels"), [("RGB", [0, 1, 2]), ("BGR", [2, 1, 0])])
def test_normalise_is_pixel_minus_mean_times_scale(order: Any, channels: list[int]) -> None:
    pixels = np.asarray(photo(7, 5))
    mean, scale = (104.0, 117.0, 123.0), (0.5, 2.0, 0.25)
    result = normalise(pixels, Preprocessing(channel_order=order, mean=mean, scale=scale))
    expected = (pixels[..., channels].astype(np.float64) - mean) * scale
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    np.testing.assert_allclose(result, expected.transpose(2, 0, 1), rtol=1e-6)


def test_prepare_is_all_steps_and_takes_a_path_or_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    photo(300, 260).save(path)
    prepared = prepare(path, Preprocessing())
    assert prepared.shape == (3, 224, 224)
    assert np.array_equal(prepared, prepare(path.read_bytes(), Preprocessing()))
    assert np.array_equal(prepared, normalise(resize_and_crop(photo(300, 260), Preprocessing()), Preprocessing()))


def test_draft_is_used_only_where_allowed_and_something_is_resized() -> None:
    buffer = BytesIO()
    photo(1200, 1200).resize((300, 300)).resize((1200, 1200)).save(buffer, "JPEG")

    def run(**options: Any) -> NDArray[np.float32]:
        return prepare(buffer.getvalue(), Preprocessing(**options))

    assert not np.array_equal(run(draft=True), run(draft=False))
    assert np.abs(run(draft=True) - run(draft=False)).mean() < 0.05
    assert np.array_equal(run(draft=True, resize="none"), run(draft=False, resize="none"))


def test_a_crop_larger_than_the_resized_picture_is_refused() -> None:
    with pytest.raises(ValidationError, match="crop_size 224 is larger than resize_size 128"):
        Preprocessing(resize_size=128)
    Preprocessing(resize="none", resize_size=128)


def test_the_cat_of_caffe_in_opencvs_interpolation(shared: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    path = shared / "imagenet-samples" / "caffe_cat.jpg"
    preprocessing = Preprocessing(
        draft=False,
        resize="warp",
        filter="bilinear-no-antialias",
        channel_order="BGR",
        mean=(104, 117, 123),
        scale=(1, 1, 1),
    )
    warped = cv2.resize(cv2.imread(str(path)), (256, 256))[16:240, 16:240].astype(np.float32)
    expected = (warped - np.array([104, 117, 123], np.float32)).transpose(2, 0, 1)
    # The two JPEG decoders may round a pixel differently.
    assert np.abs(prepare(path, preprocessing) - expected).max() <= 2
