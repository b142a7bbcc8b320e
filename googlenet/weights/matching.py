"""Whether tensors are those of a network: nothing is ever loaded in part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from googlenet.errors import ModelFileError
from googlenet.spec import Spec

Shapes = Mapping[str, tuple[int, ...]]


def check_shapes(path: Path, shapes: Shapes, spec: Spec, remedy: str, beside: Shapes = MappingProxyType({})) -> None:
    """Raise ``ModelFileError`` unless ``shapes`` has exactly the tensors expected; the message names the misfit.

    Args:
        path: The file that the tensors are from.
        shapes: Canonical name -> shape of what the file holds.
        spec: The network that they are to fit.
        remedy: What the user can do about it, the end of the message.
        beside: What is expected besides the tensors of ``spec``.
    """
    misfit = _misfit(shapes, {**spec.tensors, **beside})
    if misfit is not None:
        raise ModelFileError(f"{path}: the weights do not fit the network {spec.variant!r}: {misfit}; {remedy}")


def _misfit(shapes: Shapes, wanted: Shapes) -> str | None:
    for name, expected in wanted.items():
        if name in shapes and shapes[name] != expected:
            return f"{name} has the shape {_text(shapes[name])}, {_text(expected)} was expected"
    missing = [name for name in wanted if name not in shapes]
    if missing:
        return f"{_names(missing)} missing of {len(wanted)} tensors"
    unknown = [name for name in shapes if name not in wanted]
    return f"{_names(unknown)} of no layer of this network" if unknown else None


def _names(names: list[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    more = "" if len(names) == 1 else f" and {len(names) - 1} more"
    return f"{names[0]!r}{more} {verb}"


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
