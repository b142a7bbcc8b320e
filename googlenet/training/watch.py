"""The doctor of a training: looks at it while it goes on, and speaks up once per symptom."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import Batch, evaluation_batches
from googlenet.data.index import Dataset, Split
from googlenet.data.preprocess import Preprocessing, normalise
from googlenet.settings import TrainSettings
from googlenet.spec import Spec
from googlenet.training.learner import Learner
from googlenet.training.log import RunLog
from googlenet.training.symptoms import Course, Symptom, diverged, is_diverged, judge, new_weights, slower

_WINDOW = 20  # steps whose losses together are judged
_MOST_PROBES = 32  # images
_ALIKE = 0.05  # of the network's input range: below the noise of a JPEG


class Relapse(Exception):  # noqa: N818 - not an error: the training begins again
    """``--doctor fix`` has a remedy."""

    def __init__(self, symptom: Symptom, findings: list[dict[str, Any]]) -> None:
        super().__init__(symptom.sentence)
        self.changes, self.findings = symptom.changes, findings


class Watch:
    """Watches one training; ``findings`` is what it said, for the model's record."""

    def __init__(
        self,
        learner: Learner,
        spec: Spec,
        dataset: Dataset,
        preprocessing: Preprocessing,
        settings: TrainSettings,
        log: RunLog,
    ) -> None:
        self.learner, self.spec, self.dataset = learner, spec, dataset
        self.preprocessing, self.settings, self.log = preprocessing, settings, log
        self.findings: list[dict[str, Any]] = []
        self.samples = 0
        self._losses: deque[float] = deque(maxlen=_WINDOW)
        self._begin: float | None = None
        self._probes: NDArray[np.float32] | None = None
        labels = dataset.labels[dataset.select(Split.TRAIN)]
        self._counts = np.bincount(labels, minlength=len(dataset.classes))
        self._chance = _chance_loss(self._counts, settings)

    @property
    def is_on(self) -> bool:
        """Whether anything is looked at."""
        return self.settings.doctor != "off"

    def begin(self) -> None:
        """Before the first step: what is wrong with the images already."""
        if not self.is_on:
            return
        empty = [name.name for name, count in zip(self.dataset.classes, self._counts, strict=True) if not count]
        if empty:
            self._say(
                Symptom(
                    "class without training images",
                    f"{', '.join(empty)}: no training images, it cannot be learned; add some, or remove the class",
                )
            )
        probes = self._prepared()
        if len(probes) > 1 and float(probes.std(axis=0).mean()) < _ALIKE:
            self._say(Symptom("images all alike", "the training images all look alike; look at what is in the files"))
        elif float((probes.std(axis=(2, 3)).max(axis=1) < _ALIKE).mean()) >= 0.5:
            self._say(
                Symptom("images of one colour", "most training images are of one colour all over; look at the files")
            )

    def step(self, samples: int, figures: Mapping[str, float]) -> None:
        """After each step, ``samples`` in all."""
        self.samples = samples
        loss = figures["loss_main"]
        self._losses.append(loss)
        if self._begin is None:
            self._begin = loss
        is_judged = self.is_on and len(self._losses) == _WINDOW
        if is_judged and is_diverged(list(self._losses), self._begin, self._chance):
            self._say(diverged(self.settings, float(np.mean(self._losses)), self._chance))

    def not_a_number(self, batch: Batch, loss: float) -> str:
        """What to say of a step whose gradient is no number: the first layer, the image, the remedy."""
        start = f"after {self.samples} samples the loss is {loss} and its gradient no number"
        flag, changes = slower(self.settings) if self.samples else new_weights(self.settings)
        remedy = f"take {'a smaller ' if self.samples else ''}{flag}, or --precision fp32"
        broken = None
        if self.is_on:
            broken = self.learner.vitals(np.stack([normalise(i, self.preprocessing) for i in batch.images])).broken
        if broken is not None and len(broken.rows) == 1:
            path = self.dataset.path(int(batch.indices[broken.rows[0]]))
            sentence, changes = f"{start}: {broken.layer} is the first layer, for {path} alone; remove that image", {}
        elif broken is not None:
            here = f"{len(broken.rows)} of {len(batch.images)} images"
            sentence = f"{start}: {broken.layer} is the first layer, for {here}; {remedy}"
        else:
            sentence = f"{start}; {remedy}"
        if self.is_on:
            self._say(Symptom("not a number", sentence, changes))
        return sentence

    def epoch(
        self,
        history: Sequence[Mapping[str, float]],
        progress: float,
        answers: NDArray[np.int64],
        truth: NDArray[np.int64],
    ) -> None:
        """At the end of an epoch; ``answers`` and ``truth`` count the classes on the validation images."""
        if not self.is_on or "loss_main" not in history[-1]:
            return
        course = Course(
            settings=self.settings,
            spec=self.spec,
            history=history,
            steps=self.samples // self.settings.batch_size,
            progress=progress,
            chance_loss=self._chance,
            chance_top1=float(truth.max() / max(truth.sum(), 1)),
            vitals=self.learner.vitals(self._prepared()),
            answers=answers,
            truth=truth,
            counts=self._counts,
            classes=tuple(name.name for name in self.dataset.classes),
        )
        for symptom in judge(course):
            self._say(symptom)

    def _say(self, symptom: Symptom) -> None:
        if any(finding["name"] == symptom.name for finding in self.findings if "began_again_with" not in finding):
            return
        self.findings.append({"name": symptom.name, "samples": self.samples, "says": symptom.sentence})
        self.log.say(f"doctor: {symptom.sentence}")
        if self.settings.doctor == "fix" and symptom.changes:
            words = ", ".join(f"{name} {value}" for name, value in symptom.changes.items())
            self.log.say(f"doctor: the training begins again, this once, with {words}")
            self.findings[-1]["began_again_with"] = dict(symptom.changes)
            raise Relapse(symptom, self.findings)

    def _prepared(self) -> NDArray[np.float32]:
        """Some training images as for a prediction, the same ones throughout; fewer where an epoch is short."""
        if self._probes is None:
            indices = self.dataset.select(Split.TRAIN)
            count = min(_MOST_PROBES, max(8, len(indices) // 20), len(indices))
            chosen = indices[np.linspace(0, len(indices) - 1, count).astype(int)]
            paths = [self.dataset.path(int(i)) for i in chosen]
            batches = evaluation_batches(paths, self.preprocessing, batch_size=count)
            self._probes = np.concatenate([batch.images for batch in batches])
        return self._probes


def _chance_loss(counts: NDArray[np.int64], settings: TrainSettings) -> float:
    """The smallest loss without looking at an image: the entropy of the classes' shares, smoothed as the labels are."""
    shares = counts / counts.sum() if not settings.class_weights else (counts > 0) / (counts > 0).sum()
    shares = (1 - settings.label_smoothing) * shares + settings.label_smoothing / len(counts)
    present = shares[shares > 0]
    return float(-(present * np.log(present)).sum())
