"""The training loop: batches in, a better network out."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from googlenet.data.augment import AugmentSettings
from googlenet.data.batches import Batch, evaluation_batches, training_batches
from googlenet.data.index import Dataset, Split
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import TrainingError
from googlenet.network.logits import Logits
from googlenet.network.torch_net import GoogLeNet
from googlenet.settings import TrainSettings
from googlenet.training.device import Normaliser, training_device
from googlenet.training.log import RunLog
from googlenet.training.optimiser import learning_rate, make_optimiser, train_mode, weight_average
from googlenet.training.precision import ChosenPrecision

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
        net: GoogLeNet,
        dataset: Dataset,
        preprocessing: Preprocessing,
        settings: TrainSettings,
        precision: ChosenPrecision,
        log: RunLog,
    ) -> None:
        self.device = training_device()
        self.net, self.dataset, self.preprocessing = net, dataset, preprocessing
        self.settings, self.precision, self.log = settings, precision, log
        self.indices = dataset.select(Split.TRAIN)
        self.normalise = Normaliser(preprocessing, self.device)
        self.optimiser = make_optimiser(net, settings)
        self.average = weight_average(net, settings.average_decay)
        self.class_weights = _class_weights(dataset, self.indices).to(self.device) if settings.class_weights else None
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
                epoch.add(self._step(batch, before), batch)
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
            batch_size=settings.batch_size,
            seed=settings.seed,
        )

    def _step(self, batch: Batch, consumed: int) -> dict[str, float]:
        """One step of the optimiser; returns the loss of each head and the training accuracy."""
        torch.manual_seed(hash((self.settings.seed, consumed)))  # dropout is a function of the position alone
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.settings, consumed / self.total)
        images = self.normalise(batch.images)
        labels = torch.from_numpy(batch.labels).to(self.device)
        train_mode(self.net)
        with self.precision.autocast(self.device):
            logits = self.net(images)
        losses = self._losses(logits, labels)
        loss = losses["main"] + self.settings.aux_weight * sum(losses[head] for head in losses if head != "main")
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.settings.clip_norm)
        if not torch.isfinite(norm):
            raise TrainingError(
                f"after {consumed} samples the loss is {loss.item()} and its gradient no number; "
                f"try a smaller --learning-rate than {self.settings.learning_rate:g}, or --precision fp32"
            )
        self.optimiser.step()
        self.average.update_parameters(self.net)
        right = (logits.main.argmax(1) == labels).float().mean().item()
        return {f"loss_{head}": value.item() for head, value in losses.items()} | {"top1": right}

    def _losses(self, logits: Logits[Tensor], labels: Tensor) -> dict[str, Tensor]:
        heads = {"main": logits.main, "aux1": logits.aux1, "aux2": logits.aux2}
        return {
            head: functional.cross_entropy(
                value.float(), labels, self.class_weights, label_smoothing=self.settings.label_smoothing
            )
            for head, value in heads.items()
            if value is not None
        }

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
            self.outcome.best = self._averaged().canonical()

    def _averaged(self) -> GoogLeNet:
        net = self.average.module
        assert isinstance(net, GoogLeNet)  # torch types it as any module
        return net

    @torch.no_grad()
    def _validate(self) -> float:
        """Accuracy of the weight average on the validation images, each exactly once, prepared as for a prediction."""
        net, right, images = self._averaged().eval(), 0, 0
        indices = self.dataset.select(Split.VAL)
        paths = (self.dataset.path(int(i)) for i in indices)
        for batch in evaluation_batches(paths, self.preprocessing, batch_size=self.settings.batch_size):
            inputs = torch.from_numpy(batch.images).to(self.device, memory_format=torch.channels_last)
            with self.precision.autocast(self.device):
                answers = net(inputs).main.argmax(1).cpu().numpy()
            right += int((answers == self.dataset.labels[indices[batch.indices]]).sum())
            images += len(answers)
        return right / max(images, 1)


class EpochFigures:
    """Means over the samples of an epoch, and the speed."""

    def __init__(self) -> None:
        self.started, self.images = monotonic(), 0
        self.sums: dict[str, float] = {}

    def add(self, figures: dict[str, float], batch: Batch) -> None:
        """Count one step's figures, each a mean over the batch."""
        self.images += len(batch.labels)
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * len(batch.labels)

    def means(self) -> dict[str, float]:
        """The mean of each figure so far, and ``images_per_second``."""
        speed = self.images / max(monotonic() - self.started, 1e-9)
        return {name: value / self.images for name, value in self.sums.items()} | {"images_per_second": speed}


def _class_weights(dataset: Dataset, indices: NDArray[np.int64]) -> Tensor:
    counts = np.bincount(dataset.labels[indices], minlength=len(dataset.classes))
    return torch.tensor(len(indices) / (len(counts) * np.maximum(counts, 1)), dtype=torch.float32)
