"""What was found out about this machine, kept from one run to the next: a folder of small JSON files."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from googlenet import __version__
from googlenet.errors import ModelFileError
from googlenet.saving import atomic_write, cache_folder


def machine_key(subject: str, model_digest: str, threads: int) -> str:
    """A word for ``subject`` that is another for another model, processor, number of threads or version."""
    packages = ("onnxruntime", "openvino", "torch")
    parts = (subject, model_digest, str(threads), _processor(), platform.node(), __version__, *map(_version, packages))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def recall(key: str) -> dict[str, Any] | None:
    """What was remembered under ``key``; None where nothing readable is."""
    if (folder := cache_folder()) is None:
        return None
    try:
        found = json.loads((folder / f"{key}.json").read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def remember(key: str, facts: Mapping[str, Any]) -> None:
    """Keep ``facts``, JSON values, under ``key``; where nothing can be written, nothing is kept."""
    if (folder := cache_folder()) is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / f"{key}.json", [json.dumps(facts).encode()])
    except (OSError, ModelFileError):
        return


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return "".join(sorted({line for line in lines if line.startswith(("model name", "flags"))}))
