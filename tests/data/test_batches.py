from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from googlenet.data.augment import AugmentSettings
from googlenet.data.batches import Batch, evaluation_batches, training_batches
from googlenet.data.index import Dataset, Skipped, Split, read_dataset
from googlenet.data.preprocess import Preprocessing, prepare
from googlenet.errors import DataError, ImageError

MakeFolder = Callable[[Mapping[str, int]], Path]

PREPROCESSING = Preprocessing(resize_size=24, crop_size=16)
AUGMENTATION = AugmentSettings(trivial_augment=True, erase=0.3)


@pytest.fixture
def dataset(make_folder: MakeFolder) -> Dataset:
    return read_dataset(make_folder({"cat": 9, "dog": 14}))


def take(dataset: Dataset, count: int, **options: Any) -> list[Batch]:
    settings: dict[str, Any] = {"batch_size": 5, "seed": 3, "workers": 2} | options
    indices = dataset.select(Split.TRAIN)
    batches = training_batches(dataset, indices, PREPROCESSING, AUGMENTATION, **settings)
    taken = list(islice(batches, count))
    batches.close()
    return taken


def pixels(batches: list[Batch]) -> bytes:
    return b"".join(batch.images.tobytes() + batch.labels.tobytes() for batch in batches)


def order(batches: list[Batch]) -> list[int]:
    return [int(i) for batch in batches for i in batch.indices]


def test_a_batch_is_contiguous_uint8_rgb_with_its_labels(dataset: Dataset) -> None:
    (batch,) = take(dataset, 1)
    assert batch.images.shape == (5, 16, 16, 3)
    assert batch.images.dtype == np.uint8
    assert batch.images.flags.c_contiguous
    assert batch.labels.dtype == batch.indices.dtype == np.int64
    assert np.array_equal(batch.labels, dataset.labels[batch.indices])
    assert take(dataset, 1, image_size=20)[0].images.shape == (5, 20, 20, 3)


def test_one_and_four_workers_give_the_same_batches(dataset: Dataset) -> None:
    assert pixels(take(dataset, 12, workers=1)) == pixels(take(dataset, 12, workers=4))


@pytest.mark.parametrize("start", [5, 7, 20, 41])
def test_resuming_gives_the_same_rest(start: int, dataset: Dataset) -> None:
    whole = take(dataset, 80, batch_size=1)
    rest = take(dataset, 6, start=start)
    assert pixels([*rest]) != pixels(take(dataset, 6))
    assert order(rest) == order(whole[start : start + 30])
    images = np.concatenate([batch.images for batch in whole[start : start + 30]])
    assert np.array_equal(np.concatenate([batch.images for batch in rest]), images)


def test_every_epoch_has_every_image_once_in_another_order_and_changed_anew(dataset: Dataset) -> None:
    train = dataset.select(Split.TRAIN)
    count = len(train)
    assert count % 5  # so that batches cross the ends of epochs
    seen = order(take(dataset, 3 * count))
    epochs = [seen[i : i + count] for i in range(0, 15 * count, count)]
    assert all(sorted(epoch) == train.tolist() for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 10
    whole = take(dataset, 2 * count, batch_size=1)
    image = epochs[0][0]
    first, second = (batch.images for batch in whole if batch.indices[0] == image)
    assert not np.array_equal(first, second)


def test_another_seed_gives_another_order(dataset: Dataset) -> None:
    assert order(take(dataset, 5)) != order(take(dataset, 5, seed=4))


def test_ranks_share_one_stream(dataset: Dataset) -> None:
    alone = take(dataset, 6, batch_size=10)
    first, second = (take(dataset, 6, batch_size=5, rank=rank, world=2) for rank in (0, 1))
    for whole, even, odd in zip(alone, first, second, strict=True):
        assert np.array_equal(whole.indices[::2], even.indices)
        assert np.array_equal(whole.images[1::2], odd.images)


def test_a_batch_may_be_larger_than_the_data_set(dataset: Dataset) -> None:
    (batch,) = take(dataset, 1, batch_size=50)
    assert len(batch.labels) == 50


def test_training_without_images_is_refused(dataset: Dataset) -> None:
    none = np.array([], np.int64)
    with pytest.raises(DataError, match="no images for training"):
        training_batches(dataset, none, PREPROCESSING, AUGMENTATION, batch_size=5, seed=0)


def test_a_file_that_went_bad_since_is_named(dataset: Dataset) -> None:
    for i in dataset.select(Split.TRAIN):
        dataset.path(i).write_bytes(b"")
    with pytest.raises(ImageError, match=r"\.png: is empty"):
        take(dataset, 1)


def test_nothing_is_printed_by_import_use_and_exit_without_closing(dataset: Dataset) -> None:
    script = f"""
from pathlib import Path
from googlenet.data.augment import AugmentSettings
from googlenet.data.batches import training_batches
from googlenet.data.index import read_dataset
from googlenet.data.preprocess import Preprocessing
dataset = read_dataset(Path({str(dataset.root)!r}))
batches = training_batches(dataset, dataset.select(None), Preprocessing(), AugmentSettings(), batch_size=4, seed=0)
next(batches)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_evaluation_keeps_the_order_and_pads_nothing(dataset: Dataset) -> None:
    paths = [dataset.path(i) for i in range(23)]
    batches = list(evaluation_batches(iter(paths), PREPROCESSING, batch_size=5, workers=3))
    assert [len(batch.indices) for batch in batches] == [5, 5, 5, 5, 3]
    assert np.concatenate([batch.indices for batch in batches]).tolist() == list(range(23))
    expected = np.stack([prepare(path, PREPROCESSING) for path in paths])
    assert np.array_equal(np.concatenate([batch.images for batch in batches]), expected)


def test_evaluation_names_bad_files_or_collects_them(dataset: Dataset) -> None:
    paths = [dataset.path(i) for i in range(12)]
    for i in (0, 7):
        paths[i].write_text("no picture")
    with pytest.raises(ImageError, match="is not a JPEG"):
        list(evaluation_batches(paths, PREPROCESSING, batch_size=5))
    skipped: list[Skipped] = []
    batches = list(evaluation_batches(paths, PREPROCESSING, batch_size=5, skipped=skipped))
    assert [bad.path for bad in skipped] == [paths[0], paths[7]]
    assert [batch.indices.tolist() for batch in batches] == [[1, 2, 3, 4, 5], [6, 8, 9, 10, 11]]


def test_evaluation_reads_lazily(dataset: Dataset) -> None:
    asked = 0

    def endless() -> Any:
        nonlocal asked
        while True:
            asked += 1
            yield dataset.path(0)

    batches = evaluation_batches(endless(), PREPROCESSING, batch_size=4, workers=2)
    next(batches)
    batches.close()
    assert asked <= 16


def test_evaluation_imports_neither_torch_nor_grain() -> None:
    script = "import sys, googlenet.data.batches; print({'torch', 'grain', 'jax'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == "set()"
