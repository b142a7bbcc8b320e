"""The examples that come with an export, made from those in this folder."""

from __future__ import annotations

from importlib.resources import files

from googlenet.export.contract import Contract

_PILLOW_HAS_NO = "bilinear-no-antialias"


def example_files(contract: Contract) -> dict[str, str]:
    """File name -> content. None where the preprocessing is one that a short program cannot have, or the model
    is for this package."""
    if contract.target == "safetensors":
        return {}
    if contract.preprocessing.filter == _PILLOW_HAS_NO or contract.preprocessing.resize == "none":
        return {}
    return {"example.py": _python(contract)}


def _python(contract: Contract) -> str:
    return _template("with_onnxruntime.py")


def _template(name: str) -> str:
    return (files("googlenet.export.examples") / name).read_text(encoding="utf-8")
