"""The training loop, whatever the framework: batches in, a better network out."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from math import isfinite
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from googlenet.data.augment import AugmentSettings
from googlenet.data.batches import Batch, evaluation_batches, training_batches
from googlenet.data.draws import key
from googlenet.data.index import Dataset, Split
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import SettingsError, TrainingError
from googlenet.settings import TrainSettings
from googlenet.training.learner import Learner, Step
from googlenet.training.log import RunLog
from googlenet.training.schedule import learning_rate, share_of_step

_FIGURES_EVERY = 20  # steps


@dataclass
class Outcome:
    """What a training came to: the best weight average, its validation figures, and each epoch's."""

    best: dict[str, NDArray[np.float32]]
    val_top1: float
    history: list[dict[str, float]] = field(default_factory=list)
    interrupted: bool = False


class Trainer:
    """Trains one network on one data set; ``train`` does it all."""

    def __init__(
        self,
        learner: Learner,
        dataset: Dataset,
        preprocessing: Preprocessing,
        settings: TrainSettings,
        log: RunLog,
    ) -> None:
        self.learner, self.dataset, self.preprocessing = learner, dataset, preprocessing
        self.settings, self.log = settings, log
        self.indices = dataset.select(Split.TRAIN)
        self.total = round(settings.epochs * len(self.indices))
        self.outcome = Outcome({}, -1.0)

    def train(self) -> Outcome:
        """Train to the end, or to Ctrl-C: then what was learned so far is judged and kept as well."""
        batches = self._batches()
        self.log.begin("training")
        samples, epoch = 0, EpochFigures()
        try:
            while samples < self.total:
                batch = next(batches)
                before = samples
                samples += self.settings.batch_size
                epoch.add(self._step(batch, before), self.settings.batch_size)
                if before // self.settings.batch_size % _FIGURES_EVERY == 0:
                    self._report(samples, epoch)
                if samples // len(self.indices) > before // len(self.indices) or samples >= self.total:
                    self._end_epoch(samples, epoch)
                    epoch = EpochFigures()
        except KeyboardInterrupt:
            self.log.say("interrupted: keeping what was learned so far")
            self.outcome.interrupted = True
            self._end_epoch(samples, epoch)
        finally:
            batches.close()
        return self.outcome

    def _batches(self) -> Generator[Batch, None, None]:
        settings = self.settings
        augmentation = AugmentSettings(
            crop_area=settings.crop_area,
            flip=settings.flip,
            trivial_augment=settings.trivial_augment,
            rotate=settings.rotate,
            shift=settings.shift,
        )
        return training_batches(
            self.dataset,
            self.indices,
            self.preprocessing,
            augmentation,
            batch_size=_share(settings.batch_size, self.learner.world),
            seed=settings.seed,
            rank=self.learner.rank,
            world=self.learner.world,
        )

    def _step(self, batch: Batch, consumed: int) -> dict[str, float]:
        """One step from the position ``consumed``; returns the loss of each head and the training accuracy."""
        settings = self.settings
        step = Step(
            rate=learning_rate(settings, consumed / self.total),
            average_share=share_of_step(settings, consumed // settings.batch_size),
            seed=key(settings.seed, consumed) % 2**31,  # dropout is a function of the position alone
        )
        figures = self.learner.step(batch, step)
        if not isfinite(figures.pop("gradient_norm")):
            raise TrainingError(
                f"after {consumed} samples the loss is {figures['loss_main']} and its gradient no number; "
                f"try a smaller --learning-rate than {settings.learning_rate:g}, or --precision fp32"
            )
        return figures

    def _report(self, samples: int, epoch: EpochFigures) -> None:
        figures = epoch.means()
        self.log.figures(samples, {f"train/{name}": value for name, value in figures.items()})
        words = " ".join(f"{name} {value:.3f}" for name, value in figures.items() if name != "images_per_second")
        self.log.advance(samples, self.total, f"{words} {figures['images_per_second']:.0f} images/s")

    def _end_epoch(self, samples: int, epoch: EpochFigures) -> None:
        top1 = self._validate()
        figures = {"epoch": samples / len(self.indices), **epoch.means(), "val_top1": top1}
        self.outcome.history.append(figures)
        self.log.figures(samples, {"val/top1": top1})
        self.log.say(
            f"epoch {figures['epoch']:.1f}: loss {figures.get('loss_main', float('nan')):.3f}, "
            f"training accuracy {figures.get('top1', float('nan')):.1%}, validation accuracy {top1:.1%}, "
            f"{figures.get('images_per_second', 0):.0f} images/s"
        )
        if top1 >= self.outcome.val_top1:
            self.outcome.val_top1 = top1
            self.outcome.best = self.learner.averaged()

    def _validate(self) -> float:
        """Accuracy of the weight average on the validation images, each exactly once, prepared as for a prediction."""
        right, images = 0, 0
        indices = self.dataset.select(Split.VAL)
        paths = (self.dataset.path(int(i)) for i in indices)
        for batch in evaluation_batches(paths, self.preprocessing, batch_size=self.settings.batch_size):
            answers = self.learner.logits(batch.images).argmax(1)
            right += int((answers == self.dataset.labels[indices[batch.indices]]).sum())
            images += len(answers)
        return right / max(images, 1)


class EpochFigures:
    """Means over the samples of an epoch, and the speed."""

    def __init__(self) -> None:
        self.started, self.images = monotonic(), 0
        self.sums: dict[str, float] = {}

    def add(self, figures: dict[str, float], images: int) -> None:
        """Count one step's figures, each a mean over so many images."""
        self.images += images
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * images

    def means(self) -> dict[str, float]:
        """The mean of each figure so far, and ``images_per_second``."""
        speed = self.images / max(monotonic() - self.started, 1e-9)
        return {name: value / self.images for name, value in self.sums.items()} | {"images_per_second": speed}


def _share(batch_size: int, processes: int) -> int:
    if batch_size % processes:
        raise SettingsError(f"--batch-size is {batch_size}, for {processes} processes; give a multiple of {processes}")
    return batch_size // processes
