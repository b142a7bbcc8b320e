"""Accuracy with and without the images that training has seen."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.data.index import Dataset, Split, read_dataset
from googlenet.evaluation.leaks import find_leaks
from googlenet.evaluation.metrics import measure
from googlenet.evaluation.score import Answers
from tests.doctor.planted import scene


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of ten test images of each class, two repeat training images byte by byte, one almost."""
    root = tmp_path_factory.mktemp("leaky")
    for number, label in enumerate(("a", "b")):
        for split, count in (("train", 12), ("test", 7), ("validation", 1)):
            (root / split / label).mkdir(parents=True)
            for i in range(count):
                scene(1000 * number + 100 * len(split) + i, (144, 108)).save(root / split / label / f"{i}.png")
        for i in range(2):
            shutil.copy(root / "train" / label / f"{i}.png", root / "test" / label / f"exact {i}.png")
        Image.open(root / "train" / label / "5.png").save(root / "test" / label / "near.jpg", quality=40)
    return root


def answers(dataset: Dataset, split: Split, wrong: str = "") -> Answers:
    """Right about all images but those whose path contains ``wrong``."""
    indices = dataset.select(split)
    labels = dataset.labels[indices]
    missed = np.array([bool(wrong) and wrong in dataset.paths[i] for i in indices])
    sure = np.full(len(indices), 0.9, np.float32)
    predicted = np.where(missed, 1 - labels, labels).astype(np.int32)
    rank = missed.astype(np.int32)
    return Answers(indices, labels, predicted, sure, sure, rank, sure, np.full_like(sure, np.nan), np.zeros_like(rank))


def test_leaked_images_are_named_and_left_out(root: Path) -> None:
    dataset = read_dataset(root)
    given = answers(dataset, Split.TEST, wrong="test/a/1.png")
    leaks = find_leaks(dataset, given, dataset.classes)
    assert leaks is not None
    found = {leak.path: (leak.training_path, leak.exact) for leak in leaks.images}
    assert found == {
        f"test/{label}/{name}": (f"train/{label}/{source}", exact)
        for label in "ab"
        for name, source, exact in (
            ("exact 0.png", "0.png", True),
            ("exact 1.png", "1.png", True),
            ("near.jpg", "5.png", False),
        )
    }
    assert leaks.without is not None
    assert measure(given, dataset.classes).top1 == 19 / 20
    assert leaks.without.top1 == 13 / 14
    assert leaks.without.images == 14
    document = leaks.as_json()
    assert document["without"]["top1"] == 13 / 14
    assert len(document["images"]) == 6


def test_where_it_cannot_be_told(root: Path, tmp_path: Path) -> None:
    dataset = read_dataset(root)
    assert find_leaks(dataset, answers(dataset, Split.TRAIN), dataset.classes) is None
    unread = read_dataset(root, verify=False)
    assert find_leaks(unread, answers(unread, Split.TEST), unread.classes) is None
    no_training = replace(dataset, splits=np.full(len(dataset), Split.TEST, np.int8))
    assert find_leaks(no_training, answers(no_training, Split.TEST), dataset.classes) is None


def test_all_leaked_and_none(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "train", tmp_path / "same" / "train")
    shutil.copytree(root / "train", tmp_path / "same" / "test")
    shutil.copytree(root / "validation", tmp_path / "same" / "val")
    dataset = read_dataset(tmp_path / "same")
    leaks = find_leaks(dataset, answers(dataset, Split.TEST), dataset.classes)
    assert leaks is not None
    assert len(leaks.images) == 24
    assert leaks.without is None
    assert leaks.as_json()["without"] is None
    for path in (tmp_path / "same" / "test").rglob("*.png"):
        scene(int(path.stem) + 7000 + 100 * ord(path.parent.name), (144, 108)).save(path)
    dataset = read_dataset(tmp_path / "same")
    leaks = find_leaks(dataset, answers(dataset, Split.TEST), dataset.classes)
    assert leaks is not None
    assert leaks.images == ()
    assert leaks.without is not None
    assert leaks.without.images == 24
