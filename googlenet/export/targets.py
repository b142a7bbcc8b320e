"""The targets by name: how each is written, and how it is run here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.engines.cores import usable_cores
from googlenet.errors import MissingExtraError, ModelFileError, SettingsError
from googlenet.export.artifact import Artifact, Run
from googlenet.export.contract import Export
from googlenet.export.int8 import Int8Data
from googlenet.settings import ExportSettings, ExportTarget
from googlenet.weights.model_file import SealedModel


@dataclass(frozen=True)
class _Target:
    module: str
    opener: str
    package: str | None = None  # what must be installed for it beyond the base
    extra: str = ""


_TARGETS: dict[ExportTarget, _Target] = {
    "onnx": _Target("onnx_target", "open_onnx"),
    "openvino": _Target("openvino_target", "open_openvino", "openvino", "openvino"),
    "savedmodel": _Target("savedmodel_target", "open_saved_model"),
    "litert": _Target("litert_target", "open_litert"),
    "pt2": _Target("pt2_target", "open_pt2", "torch", "torch"),
    "safetensors": _Target("safetensors_target", "open_sealed"),
}


def write_target(model: SealedModel, folder: Path, settings: ExportSettings, data: Int8Data | None = None) -> Artifact:
    """Write the model into ``folder`` as ``settings`` say; raises ``MissingExtraError`` where its tools are absent.

    ``data``: the images that int8 is calibrated on, None for other precisions.
    """
    artifact: Artifact = _call(settings.to, "write")(model, folder, settings, data)
    return artifact


def open_export(export: Export, *, threads: int | None = None) -> ExportEngine:
    """The export's network, ready to run in its own runtime on ``threads`` threads (None: one per usable core).

    Raises ``ModelFileError`` where the file is refused, ``MissingExtraError`` where the runtime is not installed.
    """
    target = export.contract.target
    run: Run = _call(target, _TARGETS[target].opener)(export, threads or usable_cores())
    return ExportEngine(export, run)


def _call(target: ExportTarget, function: str) -> Callable[..., Any]:
    kind = _TARGETS[target]
    try:
        found: Callable[..., Any] = getattr(import_module(f"googlenet.export.{kind.module}"), function)
    except ModuleNotFoundError as error:
        if kind.package is None or error.name != kind.package:
            raise
        raise MissingExtraError(kind.package, kind.extra) from error
    return found


class ExportEngine:
    """An export as an engine: prepared images (batch, 3, height, width) -> logits, whatever its own layout is."""

    def __init__(self, export: Export, run: Run) -> None:
        self._export = export
        self._run = run

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """As ``Engine.logits``; raises ``ModelFileError`` for an answer that is of no use."""
        if self._export.contract.input.dtype == "uint8":
            raise ModelFileError(
                f"{self._export.folder}: takes pixels and prepares them itself; for predict and evaluate export the "
                "model without --with-preprocessing"
            )
        if self._export.contract.input.layout == "NHWC":
            images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        return self.raw(images)

    def activations(self, images: NDArray[np.float32], names: object) -> dict[str, NDArray[np.float32]]:
        """An export has no inner results to give: raises ``SettingsError``."""
        raise SettingsError(f"{self._export.folder}: an export gives logits only; open the sealed model for {names}")

    def raw(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """The logits of a batch in the export's own type and layout; a fixed batch is filled up and cut."""
        fixed = self._export.contract.input.shape[0]
        if isinstance(fixed, str) or len(batch) == fixed:
            return self._checked(self._run(batch), len(batch))
        parts = []
        for start in range(0, len(batch), fixed):
            part = batch[start : start + fixed]
            filled = np.concatenate([part, np.zeros((fixed - len(part), *part.shape[1:]), part.dtype)])
            parts.append(self._checked(self._run(filled), fixed)[: len(part)])
        return np.concatenate(parts)

    def _checked(self, logits: NDArray[np.float32], images: int) -> NDArray[np.float32]:
        path, classes = self._export.model_path, len(self._export.contract.classes)
        if logits.shape != (images, classes):
            raise ModelFileError(
                f"{path}: gives {logits.shape} for {images} images, {(images, classes)} was expected; export it again"
            )
        if not np.isfinite(logits).all():
            raise ModelFileError(
                f"{path}: gives what is no finite number; this runtime cannot run it here, take another --to or "
                "the sealed model"
            )
        return logits
