from __future__ import annotations

import os
from pathlib import Path

import pytest

from googlenet.data.folders import is_hidden, list_folder
from googlenet.data.listing import NOT_GIVEN, Listing, Split
from googlenet.errors import DataError

NAMES = ["1", "2", "10", "猫", "with space", "🌻", '<img src=x onerror="alert(1)">']


def reasons(listing: Listing) -> dict[str, str]:
    return {skipped.path.relative_to(listing.root).as_posix(): skipped.reason for skipped in listing.skipped}


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_folders_are_classes_in_natural_order(tmp_path: Path) -> None:
    for name in NAMES:
        touch(tmp_path / name / "a.jpg")
    listing = list_folder(tmp_path)
    assert listing.class_words[:3] == ["1", "2", "10"]
    assert set(listing.class_words) == set(NAMES)
    assert sorted(listing.paths) == sorted(f"{name}/a.jpg" for name in NAMES)
    assert set(listing.splits) == {NOT_GIVEN}


@pytest.mark.parametrize("name", ["a.JPG", "a.jpeg", "a.png", "a.webp", "a.bmp", "a.gif", "a.tif", "a.TIFF"])
def test_images_are_known_by_extension(name: str, tmp_path: Path) -> None:
    touch(tmp_path / "cat" / name)
    assert list_folder(tmp_path).paths == [f"cat/{name}"]


def test_other_files_are_counted_not_listed(tmp_path: Path) -> None:
    for name in ("cat/a.jpg", "cat/a.txt", "cat/labels.csv", "README", "cat/jpg"):
        touch(tmp_path / name)
    listing = list_folder(tmp_path)
    assert listing.paths == ["cat/a.jpg"]
    assert listing.ignored == 4
    assert listing.skipped == []


@pytest.mark.parametrize("name", [".ipynb_checkpoints", ".DS_Store", "__MACOSX", "Thumbs.db", ".git", "@eaDir"])
def test_hidden_names_are_neither_classes_nor_images(name: str, tmp_path: Path) -> None:
    touch(tmp_path / "cat" / "a.jpg")
    touch(tmp_path / name / "b.jpg")
    touch(tmp_path / "cat" / name / "c.jpg")
    touch(tmp_path / "cat" / "._d.jpg")
    listing = list_folder(tmp_path)
    assert is_hidden(name)
    assert (listing.class_words, listing.paths) == (["cat"], ["cat/a.jpg"])


def test_folders_inside_a_class_belong_to_it(tmp_path: Path) -> None:
    touch(tmp_path / "cat" / "2024" / "may" / "a.jpg")
    listing = list_folder(tmp_path)
    assert (listing.paths, listing.words) == (["cat/2024/may/a.jpg"], ["cat"])


def test_images_beside_the_class_folders_are_named(tmp_path: Path) -> None:
    touch(tmp_path / "cat" / "a.jpg")
    touch(tmp_path / "loose.jpg")
    assert "outside the class folders" in reasons(list_folder(tmp_path))["loose.jpg"]


def test_a_folder_without_folders_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    with pytest.raises(DataError, match="has no sub-folders"):
        list_folder(tmp_path)


def test_split_folders_give_the_splits(tmp_path: Path) -> None:
    for name in ("train/cat", "Validation/cat", "test/cat"):
        touch(tmp_path / name / "a.jpg")
    listing = list_folder(tmp_path)
    assert dict(zip(listing.paths, listing.splits, strict=True)) == {
        "train/cat/a.jpg": Split.TRAIN,
        "Validation/cat/a.jpg": Split.VAL,
        "test/cat/a.jpg": Split.TEST,
    }
    assert listing.class_words == ["cat"]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "bus", "tram"):
        touch(tmp_path / name / "a.jpg")
    assert list_folder(tmp_path).class_words == ["bus", "train", "tram"]


def test_split_folders_beside_others_are_refused(tmp_path: Path) -> None:
    for name in ("train/cat", "val/cat", "images/cat"):
        touch(tmp_path / name / "a.jpg")
    with pytest.raises(DataError, match=r"'train', 'val' beside 'images'"):
        list_folder(tmp_path)


def test_val_without_train_is_refused_for_training_only(tmp_path: Path) -> None:
    touch(tmp_path / "val" / "cat" / "a.jpg")
    with pytest.raises(DataError, match="no train folder"):
        list_folder(tmp_path)
    assert list_folder(tmp_path, need_train=False).splits == [Split.VAL]


@pytest.mark.parametrize("target", ["..", "../..", ".", "../zebra"])
def test_a_link_to_a_folder_listed_already_is_named_and_not_followed(target: str, tmp_path: Path) -> None:
    touch(tmp_path / "data" / "cat" / "a.jpg")
    touch(tmp_path / "data" / "zebra" / "b.jpg")
    (tmp_path / "data" / "cat" / "loop").symlink_to(target, target_is_directory=True)
    listing = list_folder(tmp_path / "data")
    assert "cat/a.jpg" in listing.paths
    assert [path for path in listing.paths if path.endswith("b.jpg")] == ["zebra/b.jpg"]
    assert any("links to a folder that is listed already" in reason for reason in reasons(listing).values())


def test_links_to_classes_elsewhere_are_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "a.jpg")
    touch(tmp_path / "data" / "dog" / "b.jpg")
    (tmp_path / "data" / "cat").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    listing = list_folder(tmp_path / "data")
    assert dict(zip(listing.paths, listing.words, strict=True)) == {"cat/a.jpg": "cat", "dog/b.jpg": "dog"}


def test_broken_links_and_links_to_themselves_are_named(tmp_path: Path) -> None:
    touch(tmp_path / "cat" / "a.jpg")
    (tmp_path / "cat" / "gone.jpg").symlink_to("nowhere")
    (tmp_path / "cat" / "self.jpg").symlink_to("self.jpg")
    found = reasons(list_folder(tmp_path))
    assert "broken link" in found["cat/gone.jpg"]
    assert "cannot be followed" in found["cat/self.jpg"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    touch(tmp_path / "cat" / "a.jpg")
    touch(tmp_path / "dog" / "a.jpg")
    (tmp_path / "dog").chmod(0)
    listing = list_folder(tmp_path)
    (tmp_path / "dog").chmod(0o700)
    assert "cannot be listed" in reasons(listing)["dog"]


def test_a_folder_that_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "cat" / "a.jpg")
    touch(tmp_path / "dog" / "a.jpg")
    scandir = os.scandir

    def refuse(folder: Path) -> object:
        if folder.name == "dog":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert "cannot be listed (Permission denied)" in reasons(list_folder(tmp_path))["dog"]
