from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.data.cache import DecodedImages, pictures_folder
from googlenet.data.look import content_id
from googlenet.errors import ImageError

MakePicture = Callable[..., Path]

_RUN = """
import sys
from pathlib import Path
from googlenet.data.cache import DecodedImages
from googlenet.data.look import content_id

folder, *paths = map(Path, sys.argv[1:])
ids = [content_id(path.read_bytes()) for path in paths]
print("ready", flush=True)
for _ in range(40):
    images = DecodedImages(256, "exif", folder=folder, max_bytes=6 * 30008, say=lambda words: sys.exit(words))
    for id, path in zip(ids, paths, strict=True):
        assert images.get(id, path).shape == (100, 100, 3)
"""
"""Another run, which shares the folder: 40 times round all pictures, of which the folder holds six."""


def another_run(folder: Path, paths: Iterable[Path], before: str = "") -> subprocess.Popen[str]:
    words = [sys.executable, "-c", before + _RUN, str(folder), *map(str, paths)]
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout
    assert run.stdout.readline() == "ready\n"
    return run


def get(images: DecodedImages, path: Path) -> np.ndarray:
    return images.get(content_id(path.read_bytes()), path)


def pixels_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def test_pixels_are_the_same_kept_or_not_and_the_next_run_decodes_nothing(
    make_picture: MakePicture, tmp_path: Path
) -> None:
    path = make_picture("a.png", size=(130, 90))
    id = content_id(path.read_bytes())
    anew = DecodedImages(40, "exif")
    first = anew.get(id, path)
    assert first.shape == (45, 65, 3)
    assert np.array_equal(first, DecodedImages(40, "exif", folder=tmp_path / "kept").get(id, path))
    path.unlink()
    assert np.array_equal(first, DecodedImages(40, "exif", folder=tmp_path / "kept").get(id, path))
    for other in (anew, DecodedImages(41, "exif", folder=tmp_path / "kept")):
        with pytest.raises(ImageError, match=r"a\.png"):
            other.get(id, path)


def test_small_pictures_are_not_enlarged(make_picture: MakePicture) -> None:
    assert get(DecodedImages(256, "exif"), make_picture("a.png", size=(30, 20))).shape == (20, 30, 3)


def test_another_picture_in_the_place_of_the_first_is_not_kept_as_that(
    make_picture: MakePicture, tmp_path: Path
) -> None:
    path = make_picture("a.png", seed=1)
    first = content_id(path.read_bytes())
    make_picture("a.png", seed=2)
    DecodedImages(256, "exif", folder=tmp_path / "kept").get(first, path)
    make_picture("a.png", seed=1)
    assert np.array_equal(DecodedImages(256, "exif", folder=tmp_path / "kept").get(first, path), pixels_of(path))


def test_a_file_cut_at_any_byte_is_decoded_anew(make_picture: MakePicture, tmp_path: Path) -> None:
    path = make_picture("a.png", size=(5, 4))
    first = get(DecodedImages(4, "exif", folder=tmp_path / "kept"), path)
    (kept,) = files(tmp_path / "kept")
    whole = kept.read_bytes()
    for length in range(len(whole)):
        kept.write_bytes(whole[:length])
        assert np.array_equal(get(DecodedImages(4, "exif", folder=tmp_path / "kept"), path), first)
        assert kept.read_bytes() == whole


def test_the_disk_is_bounded_and_the_oldest_makes_room(make_picture: MakePicture, tmp_path: Path) -> None:
    room = 5 * (10 * 10 * 3 + 8)
    paths = [make_picture(f"{i}.png", seed=i, size=(10, 10)) for i in range(8)]
    number = {content_id(path.read_bytes()): i for i, path in enumerate(paths)}

    def run(*numbers: int) -> set[int]:
        images = DecodedImages(256, "exif", folder=tmp_path / "kept", max_bytes=room)
        for i in numbers:
            get(images, paths[i])
        return {number[int(file.name, 16)] for file in files(tmp_path / "kept")}

    assert run(0, 1, 2, 3, 4, 5) == {0, 1, 2, 3, 4}
    assert run(0, 6, 7) == {0, 3, 4, 6, 7}


def test_runs_at_the_same_time_share_the_folder(make_picture: MakePicture, tmp_path: Path) -> None:
    paths = [make_picture(f"{i}.png", seed=i, size=(100, 100)) for i in range(8)]
    expected = [pixels_of(path) for path in paths]
    runs = [another_run(tmp_path / "kept", paths), another_run(tmp_path / "kept", reversed(paths))]
    while any(run.poll() is None for run in runs):
        images = DecodedImages(256, "exif", folder=tmp_path / "kept", max_bytes=6 * 30008)
        assert all(np.array_equal(get(images, path), pixels) for path, pixels in zip(paths, expected, strict=True))
    assert [run.communicate()[1] for run in runs] == ["", ""]
    # Each counts what it found and what it wrote; what the others write meanwhile goes when the next run begins.
    assert sum(file.stat().st_size for file in files(tmp_path / "kept")) <= 3 * 6 * 30008


@pytest.mark.parametrize("written", [4, 8, 20_000, 30_007])
def test_a_run_killed_in_the_midst_of_writing_leaves_no_half_picture(
    make_picture: MakePicture, tmp_path: Path, written: int
) -> None:
    path = make_picture("a.png", size=(100, 100))
    # A signal that nothing handles ends the run when the file has so many bytes: as kill -9 would, but at that instant.
    killed = (
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({written}, {written}))\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
    )
    run = another_run(tmp_path / "kept", [path], killed)
    run.communicate()
    assert run.returncode == -signal.SIGXFSZ
    (partial,) = files(tmp_path / "kept")
    assert partial.name.startswith(".")
    assert partial.stat().st_size == written
    for _ in range(2):
        assert np.array_equal(get(DecodedImages(256, "exif", folder=tmp_path / "kept"), path), pixels_of(path))
    assert {file.stat().st_size for file in files(tmp_path / "kept")} == {written, 30008}


def test_a_full_disk_is_said_once_and_leaves_nothing_behind(make_picture: MakePicture, tmp_path: Path) -> None:
    paths = [make_picture(f"{i}.png", seed=i, size=(100, 100)) for i in range(3)]
    heard: list[str] = []
    images = DecodedImages(256, "exif", folder=tmp_path / "kept", say=heard.append)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limit[1]))  # a write ends in the middle, as on a full disk
        assert all(np.array_equal(get(images, path), pixels_of(path)) for path in paths)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert len(heard) == 1
    assert "free some space" in heard[0]
    assert files(tmp_path / "kept") == []


def test_a_folder_that_cannot_be_written_is_said_once(make_picture: MakePicture, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    heard: list[str] = []
    images = DecodedImages(256, "exif", folder=tmp_path / "file" / "kept", say=heard.append)
    for i in range(3):
        assert get(images, make_picture(f"{i}.png", size=(10, 10))).shape == (10, 10, 3)
    assert len(heard) == 1
    assert "GOOGLENET_CACHE" in heard[0]


def test_the_environment_names_the_folder_or_turns_it_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLENET_CACHE", str(tmp_path))
    assert pictures_folder() == tmp_path / "pictures"
    monkeypatch.setenv("GOOGLENET_CACHE", "off")
    assert pictures_folder() is None
