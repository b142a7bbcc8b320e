"""How much training fits into a given time, from speeds that were measured on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

import numpy as np

from googlenet.errors import SettingsError
from googlenet.recipes import growing_sizes
from googlenet.settings import TrainSettings
from googlenet.training.schedule import image_size

SMALLER = (128, 96)
"""Pixels that pictures may be limited to, where they grow, so that there is time for enough epochs."""

SMALLEST = 64
"""Pixels with which pictures that grow may begin."""

_ENOUGH = 30  # epochs: a rule of thumb, not measured
_MARGIN = 0.98  # of the free time is planned for; the rest is for what is slower than measured
_MOST_KNOWN, _MOST_FITTED = 2000, 20_000  # training images that calibration, and the new head, look at
_REST = 8.0  # seconds that are of no image: sealing, the page, fitting what calibration fits


@dataclass(frozen=True)
class Budget:
    """Seconds that everything may take, and when they began to run, by ``time.monotonic``."""

    seconds: float
    started: float

    def spent(self) -> float:
        """Seconds gone so far."""
        return monotonic() - self.started


@dataclass(frozen=True)
class Counts:
    """Images in each split."""

    train: int
    val: int
    test: int


@dataclass(frozen=True)
class Speeds:
    """Seconds that an image takes, reading included."""

    step: Mapping[int, float]  # in training, by the pictures' size in pixels
    first_sight: float  # more than that when it has not been decoded before
    validated: Mapping[int, float]  # by the framework that trains, by the size of the sealed model's pictures
    judged: Mapping[int, float]  # by the engine that calibrates and tests, likewise


@dataclass(frozen=True)
class Plan:
    """The settings that keep to the time, the seconds to keep for what comes after training, and all that in words."""

    settings: TrainSettings
    seconds_after: float
    words: str


def plan(settings: TrainSettings, counts: Counts, speeds: Speeds, *, seconds: float, spent: float) -> Plan:
    """The most epochs that ``seconds`` allow when ``spent`` of them are gone, at the recipe's sizes.

    Where pictures grow and fewer than 30 epochs result, they stay smaller. Too little for an epoch: from weights, only
    the new head is fitted; from scratch, ``SettingsError`` names the least time.
    """
    for planned in choices(settings):
        before, after = _around(planned, counts, speeds)
        free = _MARGIN * (seconds - spent - before - after)
        epoch = _epoch_seconds(planned, counts, speeds)
        if free / epoch >= _ENOUGH:
            break
    epochs = round(free / epoch, 2)
    if epochs >= 1:
        return _as_planned(planned, epochs, after, counts, seconds)
    if settings.weights is None:
        least = in_words(spent + before + after + epoch / _MARGIN + 1)
        raise SettingsError(f"--time is {in_words(seconds)}, too little for one epoch; give {least} or more")
    alone = settings.model_copy(update={"epochs": settings.batch_size / counts.train})
    late = "" if free > 0 else f"; even that takes about {in_words(spent + before + after)}"
    return Plan(alone, after, f"{in_words(seconds)} are too little for one epoch: only the new head is fitted{late}")


def _around(settings: TrainSettings, counts: Counts, speeds: Speeds) -> tuple[float, float]:
    """Seconds before the first step, and after the last one."""
    validated, judged = (_at(part, settings.sealed_size) for part in (speeds.validated, speeds.judged))
    before = speeds.first_sight * counts.train
    if settings.weights is not None:
        before += 2 * validated * min(counts.train, _MOST_FITTED)  # the head learns from mirrored ones too
    known = min(counts.train, _MOST_KNOWN)
    return before, judged * (counts.val + counts.test + known) + _REST + validated * counts.val


def _at(measured: Mapping[int, float], *sizes: int) -> float:
    """Seconds of an image, the mean over these sizes; between measured ones they grow with the area."""
    known = sorted(measured)
    areas = [size**2 for size in known]
    return float(np.interp([size**2 for size in sizes], areas, [measured[size] for size in known]).mean())


def _as_planned(settings: TrainSettings, epochs: float, after: float, counts: Counts, seconds: float) -> Plan:
    first, last = settings.first_size or settings.image_size, settings.image_size
    sizes = f"{last} pixels" if first == last else f"{first} to {last} pixels"
    words = (
        f"plan for {in_words(seconds)}: {epochs:g} epochs of {counts.train} images at {sizes}; "
        f"{in_words(after)} are kept for calibration and the test"
    )
    return Plan(settings.model_copy(update={"epochs": epochs}), after, words)


def choices(settings: TrainSettings) -> list[TrainSettings]:
    """The recipe's own sizes, then smaller ones where pictures grow."""
    if settings.first_size is None:
        return [settings]
    smaller = [size for size in SMALLER if size < settings.image_size]
    return [settings, *(settings.model_copy(update=growing_sizes(size)) for size in smaller)]


def _epoch_seconds(settings: TrainSettings, counts: Counts, speeds: Speeds) -> float:
    """Of the mean epoch."""
    sizes = [image_size(settings, progress) for progress in np.linspace(0, 1, 200, endpoint=False)]
    return counts.train * _at(speeds.step, *sizes) + counts.val * _at(speeds.validated, settings.sealed_size)


def seconds_of(text: str) -> float:
    """Seconds of ``90s``, ``10m``, ``1h30m``; raises ``SettingsError`` for anything else."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip())
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    if not (total := 3600 * hours + 60 * minutes + seconds):
        raise SettingsError(f"--time is {text!r}; give hours, minutes and seconds: 10m, 90s or 1h30m")
    return float(total)


def in_words(seconds: float) -> str:
    """As ``seconds_of`` reads it: 90 is 1m30s."""
    minutes, rest = divmod(max(round(seconds), 1), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)
