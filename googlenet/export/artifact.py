"""What the writer of every target gives back, and what every opened export can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.export.contract import Input

Run = Callable[[NDArray[Any]], NDArray[np.float32]]
"""The network's input, batch first, in the export's own type and layout -> logits (batch, classes)."""


@dataclass(frozen=True)
class Artifact:
    """A model that was written into the folder of an export."""

    model: str  # file or folder, by its name in the export
    input: Input
    output: str
    opset: int | None = None
