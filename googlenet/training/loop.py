"""The training loop, whatever the framework: batches in, a better network out."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from math import inf, isfinite
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from googlenet.data.augment import AugmentSettings
from googlenet.data.batches import Batch, evaluation_batches, training_batches
from googlenet.data.cache import DecodedImages, pictures_folder
from googlenet.data.draws import key
from googlenet.data.index import Dataset, Split
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import ModelFileError, SettingsError, TrainingError
from googlenet.settings import TrainSettings
from googlenet.training.checkpoint import Checkpoint
from googlenet.training.learner import Learner, Step
from googlenet.training.log import RunLog
from googlenet.training.processes import cores_of_this, from_all, place
from googlenet.training.schedule import image_size, learning_rate, share_of_step
from googlenet.training.stopping import StopSignal
from googlenet.training.watch import Watch

_FIGURES_EVERY = 20  # steps
_RETRY = 30.0  # seconds after which a checkpoint that could not be written is tried again


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
        folder: Path,
        watch: Watch,
        deadline: float = inf,
    ) -> None:
        self.learner, self.dataset, self.preprocessing = learner, dataset, preprocessing
        self.settings, self.log, self.watch = settings, log, watch
        self.images = DecodedImages(
            preprocessing.resize_size, preprocessing.orientation, folder=pictures_folder(), say=log.say
        )
        self.indices = dataset.select(Split.TRAIN)
        self.total = round(settings.epochs * len(self.indices))
        self.outcome = Outcome({}, -1.0)
        self.samples, self.epoch = 0, EpochFigures()
        self.folder, self._due = folder, monotonic() + settings.checkpoint_seconds
        self._deadline = deadline

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from where a run of the same settings was; raises ``TrainingError`` where they are others."""
        self._check_network(checkpoint)
        self.learner.restore(checkpoint.state)
        self.samples, self.epoch = checkpoint.samples, EpochFigures(checkpoint.images, dict(checkpoint.sums))
        self.outcome = Outcome(dict(checkpoint.best), checkpoint.val_top1, list(checkpoint.history))
        self.watch.samples, self.watch.findings = checkpoint.samples, list(checkpoint.findings)

    def _check_network(self, checkpoint: Checkpoint) -> None:
        for name, tensor in self.learner.state().items():
            then = checkpoint.state.get(name)
            if then is None or then.shape != tensor.shape:
                raise TrainingError(
                    f"{self.folder}: its checkpoint is of another network than its settings.json asks for ({name!r} is "
                    f"{'absent' if then is None else then.shape}, not {tensor.shape}); restore settings.json"
                )

    def train(self) -> Outcome:
        """Train to the end, the ``deadline`` (of ``monotonic``) or Ctrl-C: what was learned so far is judged and kept.

        Saves a checkpoint every ``checkpoint_seconds``, at the end, and at SIGTERM, which then takes its course.
        """
        self.watch.begin()
        batches = self._batches()
        self.log.begin("training")
        self.epoch.started = monotonic()  # a new head may have been fitted since the Trainer was made
        try:
            with StopSignal() as stop:
                while self.samples < self.total and not stop.asked:
                    if monotonic() > self._deadline and self.samples:
                        self._end_early()
                        break
                    self._advance(next(batches))
                    if stop.agreed() or self.samples >= self.total or self._is_time():
                        self._save()
                if stop.asked:
                    self.log.say(f"SIGTERM after {self.samples} samples; go on with --resume {self.folder}")
        except KeyboardInterrupt:
            self.log.say("interrupted: keeping what was learned so far")
            self._keep()
        finally:
            batches.close()
        return self.outcome

    def _end_early(self) -> None:
        done = self.samples / self.total
        self.log.say(
            f"the time is up after {done:.0%} of the plan, slower than measured: keeping what was learned so far"
        )
        self._save()
        self._keep()

    def _keep(self) -> None:
        """The run ends here: what was learned since the last epoch's end, if anything was, is judged."""
        self.outcome.interrupted = True
        if self.epoch.images or not self.outcome.history:
            self._end_epoch()

    def _advance(self, batch: Batch) -> None:
        before = self.samples
        figures = self._step(batch, before)
        self.samples += self.settings.batch_size
        self.epoch.add(figures, self.settings.batch_size)
        self.watch.step(self.samples, figures)
        if before // self.settings.batch_size % _FIGURES_EVERY == 0:
            self._report()
        if self.samples // len(self.indices) > before // len(self.indices) or self.samples >= self.total:
            self._end_epoch()

    def _is_time(self) -> bool:
        return monotonic() >= self._due

    def _save(self) -> None:
        """A checkpoint; where it cannot be written, training goes on and it is soon tried again."""
        if self.learner.rank:
            return  # one process writes
        outcome, epoch = self.outcome, self.epoch
        checkpoint = Checkpoint(
            samples=self.samples,
            images=epoch.images,
            sums=epoch.sums,
            history=outcome.history,
            findings=self.watch.findings,
            val_top1=outcome.val_top1,
            best=outcome.best,
            state=self.learner.state(),
        )
        seconds = self.settings.checkpoint_seconds
        try:
            checkpoint.save(self.folder)
        except ModelFileError as error:
            seconds = min(seconds, _RETRY)
            then = (
                "" if self.samples >= self.total else f"; training goes on, the next is tried after {seconds:g} seconds"
            )
            self.log.say(f"NO CHECKPOINT WRITTEN: {error}{then}")
        self._due = monotonic() + seconds

    def _batches(self) -> Generator[Batch, None, None]:
        settings = self.settings
        augmentation = AugmentSettings(
            crop_area=settings.crop_area,
            flip=settings.flip,
            trivial_augment=settings.trivial_augment,
            rotate=settings.rotate,
            shift=settings.shift,
            erase=settings.erase,
            any_filter=settings.any_filter,
            photometric=settings.photometric,
        )
        return training_batches(
            self.dataset,
            self.indices,
            self.preprocessing,
            augmentation,
            batch_size=_share(settings.batch_size, self.learner.world),
            seed=self._order_seed,
            start=self.samples,
            image_size=lambda position: image_size(settings, position / self.total),
            workers=cores_of_this(),
            rank=self.learner.rank,
            world=self.learner.world,
            images=self.images,
        )

    @property
    def _order_seed(self) -> int:
        """What order, augmentation and dropout are drawn by; the split and the first weights are all members' alike."""
        settings = self.settings
        return key(settings.seed, settings.member) % 2**63 if settings.member else settings.seed

    def _step(self, batch: Batch, consumed: int) -> dict[str, float]:
        """One step from the position ``consumed``; returns the loss of each head and the training accuracy."""
        settings = self.settings
        step = Step(
            rate=learning_rate(settings, consumed / self.total),
            average_share=share_of_step(settings, consumed // settings.batch_size),
            seed=key(self._order_seed, consumed) % 2**31,  # dropout is a function of the position alone
        )
        figures = self.learner.step(batch, step)
        if not isfinite(figures.pop("gradient_norm")):
            raise TrainingError(self.watch.not_a_number(batch, figures["loss_main"]))
        return figures

    def _report(self) -> None:
        figures = self.epoch.means()
        self.log.figures(self.samples, {f"train/{name}": value for name, value in figures.items()})
        words = " ".join(f"{name} {value:.3f}" for name, value in figures.items() if name != "images_per_second")
        self.log.advance(self.samples, self.total, f"{words} {figures['images_per_second']:.0f} images/s")

    def _end_epoch(self) -> None:
        top1, answers, truth = self._validate()
        figures = {"epoch": self.samples / len(self.indices), **self.epoch.means(), "val_top1": top1}
        self.epoch = EpochFigures()
        self.outcome.history.append(figures)
        self.log.figures(self.samples, {"val/top1": top1})
        self.log.say(
            f"epoch {figures['epoch']:.1f}: loss {figures.get('loss_main', float('nan')):.3f}, "
            f"training accuracy {figures.get('top1', float('nan')):.1%}, validation accuracy {top1:.1%}, "
            f"{figures.get('images_per_second', 0):.0f} images/s"
        )
        if top1 >= self.outcome.val_top1:
            self.outcome.val_top1 = top1
            self.outcome.best = self.learner.averaged()
        if not self.outcome.interrupted:
            self.watch.epoch(self.outcome.history, self.samples / self.total, answers, truth)

    def _validate(self) -> tuple[float, NDArray[np.int64], NDArray[np.int64]]:
        """Accuracy of the weight average on the validation images, each exactly once, prepared as for a prediction.

        And how often each class was the answer, and the truth: (classes,) each.
        """
        indices, classes = self.dataset.select(Split.VAL), len(self.dataset.classes)
        mine = indices[place().rank :: place().world]
        counts = np.zeros((classes, classes), np.int64)  # truth, answer
        paths = (self.dataset.path(int(i)) for i in mine)
        for batch in evaluation_batches(paths, self.preprocessing, batch_size=self.settings.batch_size):
            answers = self.learner.logits(batch.images).argmax(1)
            np.add.at(counts, (self.dataset.labels[mine[batch.indices]], answers), 1)
        counts = np.sum(from_all(counts), axis=0)
        return float(np.trace(counts) / max(counts.sum(), 1)), counts.sum(0), counts.sum(1)


class EpochFigures:
    """Means over the samples of an epoch, and the speed; ``images`` and ``sums`` of an epoch that is gone on with."""

    def __init__(self, images: int = 0, sums: dict[str, float] | None = None) -> None:
        self.started, self.before, self.images = monotonic(), images, images
        self.sums = sums or {}

    def add(self, figures: dict[str, float], images: int) -> None:
        """Count one step's figures, each a mean over so many images."""
        self.images += images
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * images

    def means(self) -> dict[str, float]:
        """The mean of each figure so far, and ``images_per_second``."""
        speed = (self.images - self.before) / max(monotonic() - self.started, 1e-9)
        return {name: value / self.images for name, value in self.sums.items()} | {"images_per_second": speed}


def _share(batch_size: int, processes: int) -> int:
    if batch_size % processes:
        raise SettingsError(f"--batch-size is {batch_size}, for {processes} processes; give a multiple of {processes}")
    return batch_size // processes
