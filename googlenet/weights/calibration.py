"""How far a model's answers may be trusted, as found on validation images: a part of the sealed model.

Its numbers stand in the JSON document, its longer columns are tensors whose names begin with ``calibration/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.numpy import load, save

from googlenet.errors import ModelFileError

CALIBRATION_FILE = "calibration.safetensors"
"""The tensors of a calibration in containers that have no place for them among the weights."""

PREFIX = "calibration/"
SET_SCORES = f"{PREFIX}set_scores"
WHITENING = f"{PREFIX}whitening"
CLASS_MEANS = f"{PREFIX}class_means"
CLASS_LABELS = f"{PREFIX}class_labels"
UNKNOWN_SCORES = f"{PREFIX}unknown_scores"


class Exit(BaseModel):
    """When an image may leave at an auxiliary head."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    temperature: float = Field(gt=0)  # of this head's logits
    threshold: float | None = Field(ge=0, le=1)  # the least probability to leave with; None: never


class Exits(BaseModel):
    """Early exit, as found on the same images."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    aux1: Exit
    aux2: Exit
    tolerance: float = Field(ge=0, le=1)  # how much of the accuracy on these images might be lost


class CalibrationFacts(BaseModel):
    """What is stored of a calibration besides its tensors; strict, as all of the document."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    temperature: float = Field(gt=0)  # logits are divided by it before the softmax
    images: int = Field(ge=1)  # validation images that all this was found on
    data: str  # fingerprint of the data set that they are from
    error_before: float = Field(ge=0, le=1)  # expected calibration error on these images at temperature 1
    error_after: float = Field(ge=0, le=1)  # and at the temperature
    exits: Exits | None = None  # of a network with auxiliary heads

    known_classes: int = Field(default=0, ge=0)  # whose features are kept to tell the unknown by; 0 for none
    width: int = Field(default=0, ge=0)  # of the features

    @property
    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every tensor that belongs to this."""
        shapes: dict[str, tuple[int, ...]] = {SET_SCORES: (self.images,)}
        if self.known_classes:
            shapes[WHITENING] = (self.width, self.width)
            shapes[CLASS_MEANS] = (self.known_classes, self.width)
            shapes[CLASS_LABELS] = (self.known_classes,)
            shapes[UNKNOWN_SCORES] = (self.images,)
        return shapes


@dataclass(frozen=True, eq=False)
class Calibration:
    """The facts and the tensors that they name, float32."""

    facts: CalibrationFacts
    tensors: Mapping[str, NDArray[np.float32]]

    @property
    def set_scores(self) -> NDArray[np.float32]:
        """(images,), ascending: -log of the probability that the right class got; the quantiles make sets of labels."""
        return self.tensors[SET_SCORES]

    @property
    def unknown_scores(self) -> NDArray[np.float32]:
        """(images,), ascending: how far the validation images lie from the nearest class."""
        return self.tensors[UNKNOWN_SCORES]

    def without_features(self) -> Calibration:
        """What is left where a runtime gives logits and no features."""
        facts = self.facts.model_copy(update={"known_classes": 0, "width": 0})
        return Calibration(facts, {name: self.tensors[name] for name in facts.tensors})

    def to_bytes(self) -> bytes:
        """The content of ``CALIBRATION_FILE``."""
        return save({name: np.ascontiguousarray(self.tensors[name], np.float32) for name in self.facts.tensors})


def calibration_from_bytes(path: Path, content: bytes, facts: CalibrationFacts) -> Calibration:
    """The calibration of ``facts`` with the tensors in ``content``, which is that of ``path``; ``ModelFileError``."""
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise ModelFileError(f"{path}: its calibration is damaged ({error}); fetch or save it again") from error
    sound = all(part.dtype == np.float32 and np.isfinite(part).all() for part in tensors.values())
    if not sound or {name: part.shape for name, part in tensors.items()} != facts.tensors:
        raise ModelFileError(f"{path}: its calibration holds other columns than it says; fetch or save it again")
    return Calibration(facts, tensors)
