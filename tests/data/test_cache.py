from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from googlenet.data.cache import DecodedImages, pictures_folder
from googlenet.errors import ImageError

MakePicture = Callable[..., Path]


def test_pixels_are_the_same_kept_or_not_and_the_next_run_decodes_nothing(
    make_picture: MakePicture, tmp_path: Path
) -> None:
    path = make_picture("a.png", size=(130, 90))
    anew = DecodedImages(40, "exif")
    first = anew.get(7, path)
    assert first.shape == (45, 65, 3)
    assert np.array_equal(first, DecodedImages(40, "exif", folder=tmp_path / "kept").get(7, path))
    path.unlink()
    assert np.array_equal(first, DecodedImages(40, "exif", folder=tmp_path / "kept").get(7, path))
    for other in (anew, DecodedImages(41, "exif", folder=tmp_path / "kept")):
        with pytest.raises(ImageError, match=r"a\.png"):
            other.get(7, path)


def test_small_pictures_are_not_enlarged(make_picture: MakePicture) -> None:
    assert DecodedImages(256, "exif").get(0, make_picture("a.png", size=(30, 20))).shape == (20, 30, 3)


def test_a_file_cut_at_any_byte_is_decoded_anew(make_picture: MakePicture, tmp_path: Path) -> None:
    path = make_picture("a.png", size=(5, 4))
    first = DecodedImages(4, "exif", folder=tmp_path / "kept").get(7, path)
    (kept,) = (file for file in (tmp_path / "kept").rglob("*") if file.is_file())
    whole = kept.read_bytes()
    for length in range(len(whole)):
        kept.write_bytes(whole[:length])
        assert np.array_equal(DecodedImages(4, "exif", folder=tmp_path / "kept").get(7, path), first)
        assert kept.read_bytes() == whole


def test_the_disk_is_bounded_and_the_oldest_makes_room(make_picture: MakePicture, tmp_path: Path) -> None:
    room = 5 * (10 * 10 * 3 + 8)
    paths = [make_picture(f"{i}.png", seed=i, size=(10, 10)) for i in range(8)]

    def run(*numbers: int) -> set[int]:
        images = DecodedImages(256, "exif", folder=tmp_path / "kept", max_bytes=room)
        for i in numbers:
            images.get(i, paths[i])
        return {int(file.name, 16) for file in (tmp_path / "kept").rglob("*") if file.is_file()}

    assert run(0, 1, 2, 3, 4, 5) == {0, 1, 2, 3, 4}
    assert run(0, 6, 7) == {0, 3, 4, 6, 7}


def test_a_folder_that_cannot_be_written_is_said_once(make_picture: MakePicture, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    heard: list[str] = []
    images = DecodedImages(256, "exif", folder=tmp_path / "file" / "kept", say=heard.append)
    for i in range(3):
        assert images.get(i, make_picture(f"{i}.png", size=(10, 10))).shape == (10, 10, 3)
    assert len(heard) == 1
    assert "GOOGLENET_CACHE" in heard[0]


def test_the_environment_names_the_folder_or_turns_it_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLENET_CACHE", str(tmp_path))
    assert pictures_folder() == tmp_path / "pictures"
    monkeypatch.setenv("GOOGLENET_CACHE", "off")
    assert pictures_folder() is None
