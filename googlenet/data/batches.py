"""Dataset -> batches, for training (endless, changed, in random order) and for judging (in order, unchanged).

Training batches are cut from the endless stream of ``samples`` without regard to where epochs end: none is ever short,
so that batch norm never sees a batch of one, and no image is dropped. The position in training is one number, the
samples consumed.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from googlenet.data.augment import AugmentSettings
from googlenet.data.cache import DecodedImages
from googlenet.data.crops import prepare_crops
from googlenet.data.index import Dataset
from googlenet.data.listing import Skipped
from googlenet.data.preprocess import Preprocessing
from googlenet.data.samples import Batch, SampleStream
from googlenet.errors import ImageError, MissingExtraError
from googlenet.imports import without

__all__ = ["Batch", "PreparedBatch", "evaluation_batches", "prepared_images", "training_batches"]


@dataclass(frozen=True, eq=False)
class PreparedBatch:
    """Images for inference, ready for the network."""

    images: NDArray[np.float32]  # (N * crops, 3, crop, crop), normalised; the crops of an image side by side
    indices: NDArray[np.int64]  # (N,), positions among the paths that were given


def training_batches(
    dataset: Dataset,
    indices: NDArray[np.int64],
    preprocessing: Preprocessing,
    augmentation: AugmentSettings,
    *,
    batch_size: int,
    seed: int,
    start: int = 0,
    image_size: int | Callable[[int], int] | None = None,
    workers: int | None = None,
    rank: int = 0,
    world: int = 1,
    images: DecodedImages | None = None,
) -> Generator[Batch, None, None]:
    """Endless batches of the images ``indices`` from position ``start`` (samples consumed, by all ranks together).

    ``image_size``: pixels, or a function of the position of a batch's first sample, default the crop size. ``workers``:
    threads, default one per processor. Rank r of ``world`` takes every world-th sample, from the r-th, of the same
    stream cut into batches of ``batch_size * world``. ``images`` decodes the pictures, and may keep them. Close the
    generator when done. Raises ``ImageError`` for a file that can no longer be read, ``DataError`` without images.
    """
    images = images or DecodedImages(preprocessing.resize_size, preprocessing.orientation)
    stream = SampleStream(dataset, indices, augmentation, seed=seed, images=images)
    size = image_size or preprocessing.crop_size
    step = batch_size * world

    def batch(k: int) -> Batch:
        first = start + k * step
        positions = range(first + rank, first + step, world)
        return stream.batch(positions, size(first) if callable(size) else size)

    return _through_grain(batch, workers or os.cpu_count() or 1)


def evaluation_batches(
    paths: Iterable[Path],
    preprocessing: Preprocessing,
    *,
    batch_size: int,
    crops: int = 1,
    workers: int | None = None,
    skipped: list[Skipped] | None = None,
) -> Generator[PreparedBatch, None, None]:
    """The images at ``paths`` through ``prepare_crops``, in order; the last batch is short, none is padded.

    ``batch_size`` counts images, whatever their ``crops``. ``paths`` may be lazy: two batches are read ahead. A file
    that cannot be read raises ``ImageError``, or, where a ``skipped`` list is given, is appended to it and left out of
    the batches.
    """
    rows: list[tuple[int, NDArray[np.float32]]] = []
    for i, row in enumerate(prepared_images(paths, preprocessing, ahead=2 * batch_size, crops=crops, workers=workers)):
        if isinstance(row, Skipped):
            if skipped is None:
                raise ImageError(f"{row.path}: {row.reason}")
            skipped.append(row)
            continue
        rows.append((i, row))
        if len(rows) == batch_size:
            yield _stack(rows)
            rows = []
    if rows:
        yield _stack(rows)


def prepared_images(
    paths: Iterable[Path], preprocessing: Preprocessing, *, ahead: int, crops: int = 1, workers: int | None = None
) -> Generator[NDArray[np.float32] | Skipped, None, None]:
    """Each of ``paths`` in order: its crops, (crops, 3, crop, crop), or why it cannot be read.

    ``ahead``: how many are taken from ``paths``, and decoded in ``workers`` threads, before they are asked for.
    """

    def work(path: Path) -> NDArray[np.float32] | Skipped:
        try:
            return prepare_crops(path, preprocessing, crops)
        except ImageError as error:
            return Skipped(path, str(error).removeprefix(f"{path}: "))

    remaining = iter(paths)
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    try:
        window: deque[Future[NDArray[np.float32] | Skipped]] = deque(
            pool.submit(work, path) for path in islice(remaining, ahead)
        )
        while window:
            result = window.popleft().result()
            window.extend(pool.submit(work, path) for path in islice(remaining, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)


def _stack(rows: list[tuple[int, NDArray[np.float32]]]) -> PreparedBatch:
    return PreparedBatch(np.concatenate([row for _, row in rows]), np.array([i for i, _ in rows], np.int64))


def _through_grain(batch: Callable[[int], Batch], workers: int) -> Generator[Batch, None, None]:
    grain = _import_grain()
    steps = grain.MapDataset.range(sys.maxsize).map(batch)
    iterator = iter(steps.to_iter_dataset(grain.ReadOptions(num_threads=workers, prefetch_buffer_size=2 * workers)))
    try:
        yield from iterator
    finally:
        iterator.close()  # left to the interpreter's end, its threads would complain


def _import_grain() -> ModuleType:
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it warns about the missing profiler of a framework that nobody asked for
    try:
        with without("jax"):
            import grain
    except ModuleNotFoundError as error:
        raise MissingExtraError("grain", "train") from error
    finally:
        logging.disable(previous)
    module: ModuleType = grain
    return module
