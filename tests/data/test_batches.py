"""Batches: the same for any number of workers and ranks, resumable at any sample, every image counted once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.data.augment import AugmentSettings, augment
from googlenet.data.batches import Batch, evaluation_batches, training_batches
from googlenet.data.index import Dataset, Split, read_dataset
from googlenet.data.listing import Skipped
from googlenet.data.preprocess import Preprocessing, prepare
from googlenet.errors import DataError, ImageError

PREPROCESSING = Preprocessing(resize_size=40, crop_size=32)
CHANGES = AugmentSettings(trivial_augment=True, erase=0.5, rotate=10, shift=0.1)


@pytest.fixture
def dataset(colour_folder: Callable[..., Path]) -> Dataset:
    return read_dataset(colour_folder())


def _take(dataset: Dataset, count: int, **options: int) -> list[Batch]:
    indices = dataset.select(Split.TRAIN)
    options = {"batch_size": 7, "seed": 3} | options
    batches = training_batches(dataset, indices, PREPROCESSING, CHANGES, **options)
    try:
        return list(islice(batches, count))
    finally:
        batches.close()


def _same(one: list[Batch], other: list[Batch]) -> bool:
    return all(
        np.array_equal(a.images, b.images) and np.array_equal(a.indices, b.indices)
        for a, b in zip(one, other, strict=True)
    )


def test_workers_do_not_matter(dataset: Dataset) -> None:
    assert _same(_take(dataset, 8, workers=1), _take(dataset, 8, workers=4))


def test_resuming_gives_the_same_rest(dataset: Dataset) -> None:
    assert _same(_take(dataset, 8)[3:], _take(dataset, 5, start=21))


def test_ranks_share_the_same_order(dataset: Dataset) -> None:
    whole = np.concatenate([batch.indices for batch in _take(dataset, 4, batch_size=6)])
    parts = [_take(dataset, 4, batch_size=3, rank=rank, world=2) for rank in range(2)]
    for k in range(4):
        joined = np.empty(6, np.int64)
        joined[0::2], joined[1::2] = parts[0][k].indices, parts[1][k].indices
        assert np.array_equal(joined, whole[6 * k : 6 * k + 6])


def test_every_epoch_holds_every_image_once_in_another_order(dataset: Dataset) -> None:
    indices = dataset.select(Split.TRAIN)
    seen = np.concatenate([batch.indices for batch in _take(dataset, len(indices), batch_size=2)])
    first, second = seen[: len(indices)], seen[len(indices) : 2 * len(indices)]
    assert sorted(first) == sorted(second) == sorted(indices)
    assert first.tolist() != second.tolist()


def test_the_seed_matters(dataset: Dataset) -> None:
    assert not _same(_take(dataset, 2), _take(dataset, 2, seed=4))


def test_no_images_is_an_error(dataset: Dataset) -> None:
    with pytest.raises(DataError, match="no images for training"):
        next(training_batches(dataset, np.array([], np.int64), PREPROCESSING, CHANGES, batch_size=2, seed=0))


def test_evaluation_is_prepare_in_order(dataset: Dataset) -> None:
    paths = [dataset.path(i) for i in range(len(dataset))]
    batches = list(evaluation_batches(paths, PREPROCESSING, batch_size=8, workers=3))
    assert [len(batch.indices) for batch in batches] == [8, 8, 8, 6]
    for batch in batches:
        for i, image in zip(batch.indices, batch.images, strict=True):
            assert np.array_equal(image, prepare(paths[i], PREPROCESSING))


def test_bad_files_are_raised_or_named(dataset: Dataset, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    paths = [dataset.path(0), bad, dataset.path(1)]
    with pytest.raises(ImageError, match=r"bad\.jpg"):
        list(evaluation_batches(paths, PREPROCESSING, batch_size=2))
    skipped: list[Skipped] = []
    batches = list(evaluation_batches(paths, PREPROCESSING, batch_size=2, skipped=skipped))
    assert batches[0].indices.tolist() == [0, 2]
    assert [part.path for part in skipped] == [bad]


def test_flip_mirrors_and_nothing_else() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    still = AugmentSettings(crop_area=(1, 1), crop_aspect=(1, 1), flip=True)
    found = [augment(picture, still, 32, np.random.default_rng(seed)) for seed in range(20)]
    pixels = np.asarray(picture)
    mirrored = [np.array_equal(image, pixels[:, ::-1]) for image in found]
    assert all(mirror or np.array_equal(image, pixels) for mirror, image in zip(mirrored, found, strict=True))
    assert 0 < sum(mirrored) < 20
