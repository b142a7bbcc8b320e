"""Whatever can answer, by its path: a sealed model, a foreign checkpoint, or the folder of an export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from googlenet.engines import Engine, open_engine
from googlenet.errors import SettingsError
from googlenet.export.contract import is_export, read_export
from googlenet.weights.convert import open_model
from googlenet.weights.model_file import SealedModel

DEFAULT_ENGINE = "onnxruntime"


def open_for_answers(path: Path, engine: str | None = None) -> tuple[SealedModel, Callable[[], Engine]]:
    """The model at ``path`` and what opens its engine, which may be called in another thread.

    An export has the runtime that it was made for, and no weights of its own in the model that comes back. Raises
    ``ModelFileError``, and ``SettingsError`` where an engine is named for an export.
    """
    if not is_export(path):
        model = open_model(path)
        return model, lambda: open_engine(model, engine or DEFAULT_ENGINE)
    if engine is not None:
        raise SettingsError(f"--engine is {engine}, but {path} is an export, which has its own runtime; leave it out")
    from googlenet.export.targets import open_export

    export = read_export(path)
    return export.sealed(), lambda: open_export(export)
