"""One training run: read the data, build the network, train, seal the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from googlenet.data.index import Dataset, Split
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import SettingsError, TrainingError
from googlenet.network.torch_net import GoogLeNet
from googlenet.saving import atomic_write
from googlenet.settings import TrainSettings
from googlenet.spec import OUTPUTS, Spec
from googlenet.training.device import training_device
from googlenet.training.head import fit_head
from googlenet.training.log import RunLog
from googlenet.training.loop import Outcome, Trainer
from googlenet.training.memory import keep_memory
from googlenet.training.optimiser import freeze
from googlenet.training.precision import choose_precision
from googlenet.variants import variant
from googlenet.weights.convert import open_model
from googlenet.weights.model_file import SealedModel

MODEL_FILE = "model.safetensors"


def new_run_folder(folder: Path) -> Path:
    """Make the folder of a run; raises ``SettingsError`` when something is there already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"--out is {folder}, which exists already; give a new folder, nothing is overwritten")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--out is {folder}, which cannot be made ({error.strerror}); give another") from error
    return folder


def train(dataset: Dataset, settings: TrainSettings, folder: Path) -> SealedModel:
    """Train on the training images of ``dataset``, choose by its validation images, and save ``model.safetensors``.

    Writes into ``folder``, which exists and is empty: the model, ``settings.json``, ``log.jsonl``, ``events/`` for
    TensorBoard. Raises ``TrainingError`` when there is nothing to train or to validate on, or the loss is lost.
    """
    _check_data(dataset, settings)
    keep_memory()
    source = open_model(settings.weights) if settings.weights else None
    spec = _spec(settings, source, len(dataset.classes))
    preprocessing = _preprocessing(settings, source)
    atomic_write(folder / "settings.json", [settings.model_dump_json(indent=2).encode()])
    with RunLog(folder) as log:
        for note in dataset.notes:
            log.say(f"note: {note}")
        precision = choose_precision(settings.precision, spec, training_device())
        log.say(f"precision {precision.name} ({precision.reason}) on {training_device()}")
        torch.manual_seed(settings.seed)
        net = GoogLeNet(spec)
        if source is not None:
            _take_weights(net, source)
        net.to(training_device()).to(memory_format=torch.channels_last)
        freeze(net, settings.frozen)
        if source is not None:
            log.begin("fitting the new head")
            fit_head(
                net,
                dataset,
                dataset.select(Split.TRAIN),
                preprocessing,
                precision,
                batch_size=settings.batch_size,
                seed=settings.seed,
                progress=log.advance,
            )
        outcome = Trainer(net, dataset, preprocessing, settings, precision, log).train()
        record = _record(dataset, settings, outcome, precision.name, source)
        model = SealedModel(spec, dataset.classes, preprocessing, outcome.best, record, path=folder / MODEL_FILE)
        model.save(folder / MODEL_FILE)
    return model


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
    return replace(source.spec, classes=classes, aux_heads=settings.aux_heads)


def _preprocessing(settings: TrainSettings, source: SealedModel | None) -> Preprocessing:
    """The source's channel order, mean and scale; the shorter side at 8/7 of the crop, as the paper's 256/224."""
    size = settings.image_size
    changes = {"resize": "shorter-side", "resize_size": round(size * 8 / 7), "crop_size": size, "draft": True}
    return (source.preprocessing if source else Preprocessing()).model_copy(update=changes)


def _take_weights(net: GoogLeNet, source: SealedModel) -> None:
    """All weights but the classifiers', which are of other classes."""
    classifiers = tuple(f"{name}/" for name in OUTPUTS.values())
    kept = {name: tensor for name, tensor in source.tensors.items() if not name.startswith(classifiers)}
    net.load_canonical(net.canonical() | kept)


def _record(
    dataset: Dataset, settings: TrainSettings, outcome: Outcome, precision: str, source: SealedModel | None
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
        "precision": precision,
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("googlenet", "torch", "numpy", "pillow")},
        "val_top1": outcome.val_top1,
        "interrupted": outcome.interrupted,
        "history": outcome.history,
    }
