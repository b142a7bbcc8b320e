"""What the network would answer with a part of a module switched off, for every choice of branches and some channels.

A part that is switched off gives zeros to the concatenation; the rest of the network is computed anew from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.engines.onnxruntime_engine import OnnxRuntimeEngine
from googlenet.explorer.branches import Branch
from googlenet.explorer.opinions import opinion

_BATCH = 16


def switched_off(
    engine: OnnxRuntimeEngine,
    output: str,
    maps: NDArray[np.float32],
    branches: Sequence[Branch],
    *,
    channels: Iterable[int],
    classes: Sequence[int],
) -> dict[str, Any]:
    """The answers where parts of the concatenation ``output``, (channels, height, width), give zeros.

    ``branches``: for every choice of them, spelt as ``0111`` where only the first is off. ``channels``: each of
    ``channels`` alone. An answer is an ``opinion`` that names ``classes`` whatever it thinks of them.
    """
    choices = ["".join(choice) for choice in product("01", repeat=len(branches)) if "0" in choice]
    numbers = sorted(set(channels))
    parts = [*(_channels_off(choice, branches) for choice in choices), *([number] for number in numbers)]
    answers = [opinion(row, classes) for row in _logits(engine, output, maps, parts)]
    return {
        "branches": dict(zip(choices, answers[: len(choices)], strict=True)),
        "channels": dict(zip(map(str, numbers), answers[len(choices) :], strict=True)),
    }


def _channels_off(choice: str, branches: Sequence[Branch]) -> list[int]:
    return [i for on, branch in zip(choice, branches, strict=True) if on == "0" for i in branch.channels]


def _logits(
    engine: OnnxRuntimeEngine, output: str, maps: NDArray[np.float32], parts: Sequence[Sequence[int]]
) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(parts), _BATCH):
        some = parts[start : start + _BATCH]
        batch = np.repeat(maps[None], len(some), axis=0)
        for copy, part in zip(batch, some, strict=True):
            copy[list(part)] = 0
        yield from engine.logits_behind(output, batch)
