"""Whatever can answer, by its path: a sealed model, a foreign checkpoint, or the folder of an export."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from googlenet.engines import PRECISIONS, Engine, open_engine
from googlenet.errors import SettingsError
from googlenet.export.contract import is_export, read_export
from googlenet.weights.convert import open_model
from googlenet.weights.model_file import SealedModel

DEFAULT_ENGINE = "onnxruntime"
_AUTO = "auto"

Say = Callable[[str], None]


def open_for_answers(
    path: Path, engine: str | None = None, precision: str = _AUTO, *, say: Say = lambda words: None
) -> tuple[SealedModel, Callable[[], Engine]]:
    """The model at ``path`` and what opens its engine, which may be called in another thread.

    ``engine`` None is the default one; ``auto`` the fastest that is right on this machine, which ``say`` is told when
    it is found. An export has the runtime and precision that it was made for, and its model here has no weights.
    Raises ``ModelFileError``, and ``SettingsError`` where an engine is named for an export.
    """
    if not is_export(path):
        model = open_model(path)
        name, chosen = name_engine(model, engine, precision, say=say)
        return model, lambda: open_engine(model, name, precision=chosen)
    if engine is not None:
        raise SettingsError(f"--engine is {engine}, but {path} is an export, which has its own runtime; leave it out")
    from googlenet.export.targets import open_export
    from googlenet.export.trusting import check_here

    export = read_export(path)
    if precision not in (_AUTO, export.contract.precision):
        raise SettingsError(f"--precision is {precision}, but {path} is {export.contract.precision}; leave it out")
    check_here(export)
    return export.sealed(), lambda: open_export(export)


def name_engine(
    model: SealedModel, engine: str | None, precision: str = _AUTO, *, say: Say = lambda words: None
) -> tuple[str, str]:
    """Engine and precision for a sealed model.

    Raises ``SettingsError`` for int8, which only an export has, and for an OpenVINO that crashes here.
    """
    if precision == "int8":
        raise SettingsError(
            "--precision is int8, which needs images to calibrate on; make an int8 model with googlenet export --int8 "
            "and give its folder as MODEL"
        )
    if engine != _AUTO:
        name, chosen = engine or DEFAULT_ENGINE, "fp32" if precision == _AUTO else precision
        if chosen not in PRECISIONS[name]:
            raise SettingsError(f"--precision is {chosen}, but {name} computes in {', '.join(PRECISIONS[name])}")
        if name == "openvino" and find_spec(name):  # compiling has been known to crash: better another process first
            from googlenet.engines.choosing import check_survives

            check_survives(model, (name, chosen))
        return name, chosen
    from googlenet.engines.choosing import choose

    choice = choose(model, precision)
    if choice.is_new:
        say(choice.in_words())
    return choice.engine, choice.precision
