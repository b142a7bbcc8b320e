from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from googlenet.data.cache import DecodedImages
from googlenet.errors import ImageError

MakePicture = Callable[..., Path]


def test_pixels_are_the_same_kept_or_not_and_files_are_read_once(make_picture: MakePicture) -> None:
    path = make_picture("a.png", size=(90, 60))
    kept, anew = DecodedImages(40, "exif"), DecodedImages(40, "exif", max_bytes=0)
    first = np.asarray(kept.get(0, path))
    assert np.array_equal(first, np.asarray(anew.get(0, path)))
    assert first.shape == (40, 60, 3)
    path.unlink()
    assert np.array_equal(first, np.asarray(kept.get(0, path)))
    with pytest.raises(ImageError, match=r"a\.png"):
        anew.get(0, path)


def test_small_pictures_are_not_enlarged(make_picture: MakePicture) -> None:
    assert DecodedImages(256, "exif").get(0, make_picture("a.png", size=(30, 20))).size == (30, 20)


def test_the_memory_is_bounded(make_picture: MakePicture) -> None:
    images = DecodedImages(256, "exif", max_bytes=5 * 10 * 10 * 3)
    for i in range(20):
        images.get(i, make_picture(f"{i}.png", seed=i, size=(10, 10)))
    assert images.bytes == 5 * 10 * 10 * 3
