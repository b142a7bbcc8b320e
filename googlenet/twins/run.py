"""The whole comparison in one call: photographs -> one job -> a process per framework -> where they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from googlenet.data.batches import evaluation_batches
from googlenet.data.index import Dataset
from googlenet.errors import MissingExtraError, SettingsError
from googlenet.twins.compare import Twins, compare
from googlenet.twins.job import Job, images_file, read_answer, still, write_job
from googlenet.twins.process import SIDES, run_side
from googlenet.weights.model_file import SealedModel

RATE = 1e-3
"""The steps' learning rate: small enough for a model without batch norm, large enough that the weights move."""

_READ_AT_ONCE = 32

Progress = Callable[[int, int], None]


def twins(
    model: SealedModel,
    dataset: Dataset,
    *,
    steps: int,
    batch_size: int,
    preparing: Progress,
    computing: Mapping[str, Progress],
) -> Twins:
    """Run ``model`` in PyTorch and in TensorFlow on the same images of ``dataset`` and compare all that comes out.

    Both see the same images in the same order, prepared as for a prediction, without dropout, and take ``steps`` plain
    SGD steps of ``batch_size`` images. ``preparing`` and, for each of ``SIDES``, ``computing`` are told (done, total).

    Raises ``SettingsError``, ``SpecError`` where the model's heads cannot have its images, ``MissingExtraError`` for a
    framework (or ``GoogLeNetError`` with its words, from the process), ``TrainingError`` where a process dies or a loss
    is no number.
    """
    for name, value in (("--steps", steps), ("--batch-size", batch_size)):
        if value < 1:
            raise SettingsError(f"{name} is {value}; give 1 or more")
    for side in SIDES:
        if find_spec(side) is None:
            raise MissingExtraError(side, side)
    model.spec.shapes(model.preprocessing.crop_size)
    with TemporaryDirectory() as name:
        folder = Path(name)
        chosen = _choose(dataset, steps * batch_size)
        images = _prepare(model, dataset, chosen, folder, preparing)
        labels = dataset.labels[chosen].astype(np.int64)
        job = Job(replace(model, spec=still(model.spec)), images, labels, steps, batch_size, RATE)
        write_job(folder, job)
        versions = {}
        for side in SIDES:
            versions.update(run_side(side, folder, computing[side]))
        return compare(job, {name: read_answer(folder, name) for name in ("torch", "tensorflow", "float64")}, versions)


def _choose(dataset: Dataset, count: int) -> NDArray[np.int64]:
    """At most ``count`` images in random order, always the same."""
    return np.random.default_rng(0).permutation(len(dataset))[:count]


def _prepare(
    model: SealedModel, dataset: Dataset, chosen: NDArray[np.int64], folder: Path, progress: Progress
) -> NDArray[np.float32]:
    """The images in a file that both processes read: those of 20 steps would take 190 MB in each."""
    size = model.preprocessing.crop_size
    rows = open_memmap(images_file(folder), mode="w+", dtype=np.float32, shape=(len(chosen), 3, size, size))
    paths = (dataset.path(int(i)) for i in chosen)
    for batch in evaluation_batches(paths, model.preprocessing, batch_size=_READ_AT_ONCE):
        rows[batch.indices] = batch.images
        progress(int(batch.indices[-1]) + 1, len(chosen))
    rows.flush()
    return rows
