"""How fast this machine trains and judges on these images: a few real steps, whose learning is thrown away."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from time import monotonic
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from googlenet.data.augment import AugmentSettings
from googlenet.data.batches import Batch, PreparedBatch, evaluation_batches, training_batches
from googlenet.data.cache import DecodedImages, pictures_folder
from googlenet.data.index import Dataset, Split
from googlenet.data.preprocess import Preprocessing
from googlenet.engines import open_engine
from googlenet.settings import TrainSettings
from googlenet.spec import OUTPUTS, Spec
from googlenet.training.budget import SMALLEST, Speeds, choices
from googlenet.training.learner import Learner, Step
from googlenet.weights.model_file import SealedModel

BatchType = TypeVar("BatchType", Batch, PreparedBatch)

_DISCARDED, _FEWEST, _MOST = 1, 3, 60  # steps; the first ones start threads and compile


def measure(
    learner: Learner,
    spec: Spec,
    dataset: Dataset,
    preprocessing: Preprocessing,
    settings: TrainSettings,
    *,
    seconds: float,
) -> Speeds:
    """Train and judge for three steps of each kind, or about ``seconds``, at the largest size and the smallest.

    ``learner`` has learned from that.
    """
    smallest = settings.image_size if settings.first_size is None else SMALLEST
    images = DecodedImages(preprocessing.resize_size, preprocessing.orientation, folder=pictures_folder())

    def step_at(size: int) -> float:
        with closing(_batches(dataset, preprocessing, settings, size, images)) as batches:
            return _per_image(batches, lambda batch: _step(learner, settings, batch), seconds)

    first = step_at(settings.image_size)
    steps = {size: step_at(size) for size in {settings.image_size, smallest}}
    model = SealedModel(spec, dataset.classes, preprocessing, learner.averaged(), {})
    engine = open_engine(model, "onnxruntime")
    paths = [dataset.path(i) for i in range(len(dataset))]
    sealed = {planned.sealed_size for planned in choices(settings)}

    def judged(answer: Callable[[NDArray[np.float32]], object], size: int) -> float:
        resize_size = round(preprocessing.resize_size * size / preprocessing.crop_size)
        rule = preprocessing.model_copy(update={"crop_size": size, "resize_size": resize_size})
        with closing(evaluation_batches(paths, rule, batch_size=settings.batch_size)) as batches:
            return _per_image(batches, lambda batch: answer(batch.images), seconds)

    def answer(images: NDArray[np.float32]) -> object:
        return engine.activations(images, (OUTPUTS["main"],))

    return Speeds(
        step=steps,
        first_sight=max(0.0, first - steps[settings.image_size]),
        validated={size: judged(learner.logits, size) for size in {min(sealed), max(sealed)}},
        judged={size: judged(answer, size) for size in {min(sealed), max(sealed)}},
    )


def _batches(
    dataset: Dataset, preprocessing: Preprocessing, settings: TrainSettings, size: int, images: DecodedImages
) -> Generator[Batch, None, None]:
    changes = AugmentSettings(**settings.model_dump(include=set(AugmentSettings.model_fields)))
    return training_batches(
        dataset,
        dataset.select(Split.TRAIN),
        preprocessing,
        changes,
        batch_size=settings.batch_size,
        seed=settings.seed,
        image_size=size,
        images=images,
    )


def _step(learner: Learner, settings: TrainSettings, batch: Batch) -> None:
    learner.step(batch, Step(rate=settings.learning_rate / 100, average_share=0.1, seed=0))


def _per_image(batches: Iterable[BatchType], work: Callable[[BatchType], object], seconds: float) -> float:
    """Seconds per image of reading and work, without the first steps where there are more."""
    started, images = monotonic(), 0
    for number, batch in enumerate(batches):
        work(batch)
        if number == _DISCARDED - 1:
            started, images = monotonic(), 0
            continue
        images += len(batch.indices)
        counted = number + 1 - _DISCARDED
        if counted >= _MOST or (counted >= _FEWEST and monotonic() - started >= seconds):
            break
    return (monotonic() - started) / max(images, 1)
