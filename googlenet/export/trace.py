"""What somebody else's program made of the golden probes, as it wrote it down: JSON, or NumPy's .npz."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from googlenet.errors import DataError
from googlenet.export.contract import Contract
from googlenet.export.stages import STAGES, Array, Stage, Summary, summarise

_MAX_BYTES = 1 << 30
_HOW = "docs/export.md says what a trace holds"


@dataclass(frozen=True)
class Trace:
    """Results by probe and step; a program may have written down any part of them."""

    summaries: dict[str, dict[Stage, Summary]] = field(default_factory=dict)
    logits: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    inputs: dict[str, Array] = field(default_factory=dict)  # what went into the network, where it was kept whole
    classes: tuple[str, ...] | None = None  # names or ids in the program's order

    def stages(self) -> set[Stage]:
        """Every step that was written down for at least one probe."""
        steps = {stage for summaries in self.summaries.values() for stage in summaries}
        return steps | ({"logits"} if self.logits else set())


class _Json(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=True)

    probes: dict[str, dict[Stage, Summary | list[float]]] = Field(min_length=1)
    classes: tuple[str, ...] | None = None


def read_trace(path: Path, contract: Contract) -> Trace:
    """The trace in a ``.json`` or ``.npz`` file. Raises ``DataError`` for what is none, or is of other probes."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path}: is larger than {_MAX_BYTES >> 30} GiB; write summaries (JSON) instead of arrays")
        trace = _read_npz(path) if zipfile.is_zipfile(path) else _read_json(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give the trace that your program wrote") from error
    names = {*trace.summaries, *trace.logits}
    if not names:
        raise DataError(f"{path}: holds no result of any probe; {_HOW}")
    if strangers := names - set(contract.probes):
        raise DataError(
            f"{path}: is of {sorted(strangers)[0]!r}, which is none of the probes: {', '.join(contract.probes)}"
        )
    return trace


def _read_json(path: Path) -> Trace:
    try:
        document = _Json.model_validate(json.loads(path.read_bytes()))
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"{path}: is not right at {'.'.join(map(str, first['loc']))!r}: {first['msg']}; {_HOW}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is neither JSON nor .npz ({error}); {_HOW}") from error
    trace = Trace(classes=document.classes)
    for name, results in document.probes.items():
        for stage, result in results.items():
            if isinstance(result, Summary) != (stage != "logits"):
                raise DataError(
                    f"{path}: {name}/{stage} is not {'a list' if stage == 'logits' else 'a summary'}; {_HOW}"
                )
            if isinstance(result, Summary):
                trace.summaries.setdefault(name, {})[stage] = result
            else:
                trace.logits[name] = np.array(result, np.float64)
    return trace


def _read_npz(path: Path) -> Trace:
    trace = Trace()
    for key, array in _arrays(path):
        name, _, stage = key.rpartition("/")
        if stage not in STAGES or not name:
            raise DataError(f"{path}: holds {key!r}; call the arrays «probe/step», steps are {', '.join(STAGES)}")
        array = array[0] if array.ndim in (2, 4) and len(array) == 1 else array  # a batch of one
        if stage == "logits":
            trace.logits[name] = array.astype(np.float64).reshape(-1)
            continue
        if not np.isfinite(array).all():
            raise DataError(f"{path}: {key} holds what is no finite number; mend your program there first")
        if array.ndim not in (2, 3) or 0 in array.shape:
            raise DataError(f"{path}: {key} has the shape {array.shape}; an image (H, W, 3) or (3, H, W) was expected")
        trace.summaries.setdefault(name, {})[stage] = summarise(array)
        if stage == "normalise":
            trace.inputs[name] = array
    return trace


def _arrays(path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            for key in file.files:
                array = file[key]
                if array.dtype.kind not in "iuf":
                    raise DataError(f"{path}: {key} is of type {array.dtype}; write numbers")
                yield key, array
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path}: is no whole .npz file of plain arrays ({error}); write it again") from error
