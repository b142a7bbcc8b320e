"""One training run: take the data, begin with weights, train, seal the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from googlenet.data.index import Dataset, Split
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import ModelFileError, SettingsError, TrainingError
from googlenet.network.initial import initial_weights
from googlenet.recipes import suited
from googlenet.saving import atomic_write
from googlenet.settings import TrainSettings
from googlenet.spec import OUTPUTS, Spec
from googlenet.training.budget import Budget, Counts, plan
from googlenet.training.checkpoint import Checkpoint, discard, latest, sweep
from googlenet.training.head import fit_head
from googlenet.training.images_file import IMAGES_FILE, data_differences, write_images
from googlenet.training.learner import Learner, find_learner
from googlenet.training.log import RunLog
from googlenet.training.loop import Outcome, Trainer
from googlenet.training.memory import keep_memory
from googlenet.training.processes import from_first, place
from googlenet.training.speed import measure
from googlenet.training.watch import Relapse, Watch
from googlenet.variants import variant
from googlenet.weights.convert import open_model
from googlenet.weights.model_file import SealedModel
from googlenet.weights.widen import widened, wider_spec

_MEASURING, _MOST_MEASURING = 0.005, 6.0  # of the budget, and seconds, for each kind of step

MODEL_FILE, SETTINGS_FILE = "model.safetensors", "settings.json"


def new_run_folder(folder: Path) -> Path:
    """Make the folder of a run; raises ``SettingsError`` when something is there already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"--out is {folder}, which exists already; give a new folder, nothing is overwritten")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--out is {folder}, which cannot be made ({error.strerror}); give another") from error
    return folder


def run_settings(folder: Path) -> TrainSettings:
    """The settings of the run in ``folder``; raises ``SettingsError`` where there is no run."""
    path = folder / SETTINGS_FILE
    try:
        return TrainSettings.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); give the folder of a run that googlenet train began"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{path}: is not right at {first['loc']}: {first['msg']}; restore the file") from error


def train(
    dataset: Dataset, settings: TrainSettings, folder: Path, *, resume: bool = False, budget: Budget | None = None
) -> SealedModel:
    """Train on the training images of ``dataset``, choose by its validation images, and save ``model.safetensors``.

    Writes into ``folder``, which exists: the model, ``settings.json``, ``images.csv``, ``log.jsonl``, checkpoints,
    ``events/`` for TensorBoard. ``resume`` goes on from the newest checkpoint there: on the same machine with as many
    threads, the weights come out as if nothing had happened, to the bit. ``budget`` plans epochs and sizes; a run that
    gets slower ends early and keeps its best. Raises ``TrainingError`` when there is nothing to train or to validate
    on, the loss is lost, or the images are not those that the run began with.
    """
    findings: list[dict[str, Any]] = []
    try:
        return _train(dataset, settings, folder, findings, resume=resume, budget=budget)
    except Relapse as relapse:
        changes, findings = dict(relapse.changes), relapse.findings
    discard(folder)
    settings = TrainSettings(**(settings.model_dump() | changes | {"doctor": "watch"}))
    return _train(dataset, settings, folder, findings, resume=False, budget=budget)


def _train(
    dataset: Dataset,
    settings: TrainSettings,
    folder: Path,
    findings: list[dict[str, Any]],
    *,
    resume: bool,
    budget: Budget | None,
) -> SealedModel:
    """One attempt; ``findings`` are those of the doctor about the one before. Raises ``Relapse`` for another one."""
    _check_data(dataset, settings)
    checkpoint, trouble = from_first(lambda: _last_checkpoint(dataset, folder)) if resume else (None, None)
    keep_memory()
    source = open_model(settings.weights) if settings.weights else None
    writes = place().rank == 0
    with RunLog(folder if writes else None) as log:
        for note in dataset.notes:
            log.say(f"note: {note}")
        deadline, chosen = inf, suited(settings, len(dataset.select(Split.TRAIN)))
        if chosen != settings and budget is None:
            log.say(f"recipe {chosen.recipe}, {chosen.epochs:g} epochs")
        settings = chosen
        if budget is not None:
            settings, deadline = _planned(dataset, settings, source, budget, log)
        if writes:
            atomic_write(folder / SETTINGS_FILE, [settings.model_dump_json(indent=2).encode()])
            write_images(dataset, folder)
        narrow, spec, preprocessing, learner = _network(dataset, settings, source)
        log.say(f"precision {learner.precision.name} ({learner.precision.reason}) on {learner.device}")
        watch = Watch(learner, spec, dataset, preprocessing, settings, log)
        watch.findings += findings
        trainer = Trainer(learner, dataset, preprocessing, settings, log, folder, watch, deadline)
        if trouble:
            log.say(f"{trouble}; the one before it is taken")
        if checkpoint is not None:
            trainer.restore(checkpoint)
            log.say(f"resumed after {checkpoint.samples} samples")
        else:
            tensors = _beginning(narrow, spec, source, settings.seed)
            learner.load(tensors)
            if source is not None:
                log.begin("fitting the new head")
                images = dataset.select(Split.TRAIN)
                head = from_first(lambda: fit_head(learner, dataset, images, preprocessing, settings, log.advance))
                learner.load(tensors | head)
        outcome = trainer.train()
        record = {**_record(dataset, settings, outcome, learner, source), "doctor": watch.findings}
        model = SealedModel(spec, dataset.classes, preprocessing, outcome.best, record, path=folder / MODEL_FILE)
        if writes:
            save_model(model, folder)
    return model


def save_model(model: SealedModel, folder: Path) -> None:
    """Save the model of the run in ``folder``; the ``ModelFileError`` of a full disk says how to go on."""
    try:
        model.save(folder / MODEL_FILE)
    except ModelFileError as error:
        kept = "the last checkpoint is kept" if any(folder.glob("checkpoint-*")) else "there is no checkpoint yet"
        raise ModelFileError(
            f"{error}; {kept}, make room and go on with: googlenet train DATA --resume {folder}"
        ) from error


def _network(
    dataset: Dataset, settings: TrainSettings, source: SealedModel | None
) -> tuple[Spec, Spec, Preprocessing, Learner]:
    """The network as the weights have it and as it trains, how its pictures are prepared, what trains it."""
    narrow = _spec(settings, source, len(dataset.classes))
    spec = wider_spec(narrow, settings.width)
    preprocessing = _preprocessing(settings, source)
    weights = _class_weights(dataset) if settings.class_weights else None
    return narrow, spec, preprocessing, find_learner(settings.framework)(spec, preprocessing, settings, weights)


def _planned(
    dataset: Dataset, settings: TrainSettings, source: SealedModel | None, budget: Budget, log: RunLog
) -> tuple[TrainSettings, float]:
    """The settings that fit into the budget, and when training must have ended, by ``monotonic``."""
    log.begin("measuring the speed")
    narrow, spec, preprocessing, learner = _network(dataset, settings, source)
    if learner.world > 1:
        raise SettingsError(f"--time is for one process, these are {learner.world}; give --epochs")
    learner.load(_beginning(narrow, spec, source, settings.seed))
    speeds = measure(
        learner, spec, dataset, preprocessing, settings, seconds=min(_MEASURING * budget.seconds, _MOST_MEASURING)
    )
    counts = Counts(*(len(dataset.select(split)) for split in (Split.TRAIN, Split.VAL, Split.TEST)))
    found = plan(settings, counts, speeds, seconds=budget.seconds, spent=budget.spent())
    log.say(found.words)
    return found.settings, budget.started + budget.seconds - found.seconds_after


def _last_checkpoint(dataset: Dataset, folder: Path) -> tuple[Checkpoint | None, str | None]:
    sweep(folder)
    checkpoint, trouble = latest(folder)
    begun = checkpoint is not None or (folder / IMAGES_FILE).exists()  # killed before it was written: nothing to keep
    if begun and (differences := data_differences(dataset, folder)):
        raise TrainingError(
            f"{dataset.root}: is not what the run in {folder} began with: {'; '.join(differences)}; "
            "restore the images, or train anew with --out"
        )
    return checkpoint, trouble


def _check_data(dataset: Dataset, settings: TrainSettings) -> None:
    for split, name in ((Split.TRAIN, "train"), (Split.VAL, "val")):
        count = len(dataset.select(split))
        if count == 0:
            raise TrainingError(f"{dataset.root}: has no images for {name}; add some, at least three per class in all")
        if split is Split.TRAIN and count < settings.batch_size:
            raise TrainingError(
                f"{dataset.root}: has {count} training images, fewer than --batch-size {settings.batch_size}; "
                "add images or give a smaller batch"
            )


def _spec(settings: TrainSettings, source: SealedModel | None, classes: int) -> Spec:
    if source is None:
        return variant(settings.variant, classes, aux_heads=settings.aux_heads)
    aux = source.spec.aux
    if settings.aux_heads and not source.spec.aux_heads and settings.only_size != 224:
        aux = replace(aux, adaptive=True)  # new heads; the paper's fit 224 pixels alone
    return replace(source.spec, classes=classes, aux_heads=settings.aux_heads, aux=aux)


def _preprocessing(settings: TrainSettings, source: SealedModel | None) -> Preprocessing:
    """The source's channel order, mean and scale; the shorter side at 8/7 of the crop, as the paper's 256/224."""
    size = settings.sealed_size
    changes = {"resize": "shorter-side", "resize_size": round(size * 8 / 7), "crop_size": size, "draft": True}
    return (source.preprocessing if source else Preprocessing()).model_copy(update=changes)


def _first_weights(spec: Spec, source: SealedModel | None, seed: int) -> dict[str, NDArray[np.float32]]:
    """New ones, but those of the source wherever it has them, except its classifiers, which are of other classes."""
    tensors = initial_weights(spec, seed)
    classifiers = tuple(f"{name}/" for name in OUTPUTS.values())
    kept = {} if source is None else {name: source.tensors[name] for name in tensors if name in source.tensors}
    return tensors | {name: tensor for name, tensor in kept.items() if not name.startswith(classifiers)}


def _beginning(narrow: Spec, spec: Spec, source: SealedModel | None, seed: int) -> dict[str, NDArray[np.float32]]:
    """``_first_weights``, in the network ``spec`` that may be wider."""
    tensors = _first_weights(narrow, source, seed)
    return tensors if spec == narrow else widened(tensors, narrow, spec, initial_weights(spec, seed))


def _class_weights(dataset: Dataset) -> NDArray[np.float32]:
    """The inverse of each class's share of the training images, 1 where all are alike: (classes,)."""
    labels = dataset.labels[dataset.select(Split.TRAIN)]
    counts = np.bincount(labels, minlength=len(dataset.classes))
    return (len(labels) / (len(counts) * np.maximum(counts, 1))).astype(np.float32)


def _record(
    dataset: Dataset, settings: TrainSettings, outcome: Outcome, learner: Learner, source: SealedModel | None
) -> Mapping[str, Any]:
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": {
            "fingerprint": dataset.fingerprint(),
            "images": len(dataset),
            "skipped": len(dataset.skipped),
            "counts": dataset.counts().tolist(),
        },
        "settings": json.loads(settings.model_dump_json()),
        "started_from": dict(source.record) if source else None,
        "precision": learner.precision.name,
        "threads": learner.threads,
        "versions": {name: version(name) for name in ("googlenet", *learner.packages, "numpy", "pillow")},
        "val_top1": outcome.val_top1,
        "interrupted": outcome.interrupted,
        "history": outcome.history,
    }
