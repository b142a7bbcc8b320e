"""The whole way in one call: photographs -> training -> sealed model -> judgement on the test split -> report."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from googlenet.data.index import Dataset, Split, read_dataset
from googlenet.doctor.findings import Diagnosis
from googlenet.doctor.training import check_dataset, summary
from googlenet.errors import SettingsError
from googlenet.evaluation.calibrate import calibrate
from googlenet.evaluation.evaluate import Evaluation, evaluate
from googlenet.report.page import write_report
from googlenet.report.words import Language
from googlenet.saving import atomic_write
from googlenet.settings import TrainSettings

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Run:
    """What a training run left behind; ``evaluation`` is None where there are no test images."""

    model: Path
    report: Path | None
    evaluation: Evaluation | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet train --json`` prints (docs/cli.md)."""
        return {
            "model": str(self.model),
            "report": str(self.report) if self.report else None,
            "test": self.evaluation.as_json() if self.evaluation else None,
            "seconds": round(self.seconds, 1),
        }


def train_and_judge(
    data: Path,
    settings: TrainSettings,
    folder: Path,
    *,
    resume: bool = False,
    seconds: float | None = None,
    language: Language = "en",
    reading: Progress,
    judging: Progress,
) -> Run:
    """Train on ``data`` and write everything into the new folder ``folder``: model, test figures, report, logs.

    ``resume``: ``folder`` is that of a run that was ended, which goes on. ``seconds``: all of it may take so long;
    epochs and, where pictures grow, sizes are planned for that. ``language`` is the report's. ``reading`` and
    ``judging`` are told (done, total) while the images are verified and while the test runs. Of several processes
    under ``torchrun``, which take no ``seconds``, the first one returns; the others leave with exit code 0 when
    training is over. A run that the same torchrun began goes on.
    """
    from googlenet.training.budget import Budget
    from googlenet.training.learner import find_learner
    from googlenet.training.processes import from_first, place_by_torchrun, together
    from googlenet.training.run import MODEL_FILE, SETTINGS_FILE, save_model, train

    started = monotonic()
    find_learner(settings.framework)  # where it is not installed, say so before the images are read
    budget = None if seconds is None else Budget(seconds, started)
    if budget and place_by_torchrun().world > 1:
        raise SettingsError("--time is for one process; under torchrun give --epochs")
    with together(settings) as place:
        resume, dataset, diagnosis = from_first(lambda: _prepare(data, settings, folder, resume, reading))
        try:
            model = train(dataset, settings, folder, resume=resume, budget=budget)
        except SettingsError:
            # Refused before it began: the folder is free for the command that the remedy names.
            if place.rank == 0 and not (folder / SETTINGS_FILE).exists():
                shutil.rmtree(folder, ignore_errors=True)
            raise
    if place.rank:
        sys.exit(0)  # the first process does the rest
    model = calibrate(model, dataset, progress=judging).model
    model = replace(model, record={**model.record, "check": _checked(diagnosis)})
    save_model(model, folder)
    evaluation = _judge(dataset, model, judging)
    report = None
    if evaluation is not None:
        report = folder / "report.html"
        command = ["googlenet", "evaluate", str(folder / MODEL_FILE), str(data)]
        words = [*command, "--report", "report.html", "--lang", language]
        write_report(evaluation, report, shlex.join(words), language)
        atomic_write(folder / "test.json", [_json(evaluation.as_json())])
    return Run(folder / MODEL_FILE, report, evaluation, monotonic() - started)


def _prepare(
    data: Path, settings: TrainSettings, folder: Path, resume: bool, reading: Progress
) -> tuple[bool, Dataset, Diagnosis]:
    """Whether the run goes on, its data set with notes of what was found in it, and all that was found."""
    from googlenet.training.restart import is_ours, sign
    from googlenet.training.run import new_run_folder

    resume = resume or is_ours(folder)
    if not resume:
        new_run_folder(folder)
    sign(folder)
    dataset = read_dataset(data, seed=settings.seed, progress=reading)
    diagnosis = check_dataset(data, dataset)
    atomic_write(folder / "check.json", [_json(diagnosis.as_json())])
    return resume, replace(dataset, notes=(*dataset.notes, *summary(diagnosis))), diagnosis


def _checked(diagnosis: Diagnosis) -> dict[str, Any]:
    """What the model's record says of the data it was made from."""
    return {"serious": diagnosis.serious, "counts": diagnosis.counts()}


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")


def _judge(dataset: Dataset, model: Any, progress: Progress) -> Evaluation | None:
    if not len(dataset.select(Split.TEST)):
        return None
    return evaluate(model, dataset, split="test", progress=progress)
