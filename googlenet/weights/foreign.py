"""What a reader of foreign checkpoints brings back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.data.classes import ClassName
from googlenet.data.preprocess import Preprocessing
from googlenet.spec import Spec
from googlenet.weights.calibration import Calibration


@dataclass(frozen=True, eq=False)
class Foreign:
    """Weights under their canonical names, and what became of everything that stood in the file."""

    spec: Spec
    tensors: Mapping[str, NDArray[np.float32]]
    transformed: tuple[str, ...] = ()  # which tensors were changed in type or layout, and how
    left: tuple[str, ...] = ()  # which have no place in the network, and why
    extra: Mapping[str, Any] = field(default_factory=dict)  # what only a way back needs; goes into the record
    classes: tuple[ClassName, ...] | None = None  # these three where the file says them
    preprocessing: Preprocessing | None = None
    calibration: Calibration | None = None
