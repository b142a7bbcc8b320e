"""What is said of one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from googlenet.trust.unknown import Verdict


@dataclass(frozen=True)
class Answer:
    """One class that an image may be."""

    index: int
    label: str
    probability: float  # 0–1, calibrated where the model is

    def as_json(self) -> dict[str, Any]:
        """``{"index", "label", "probability"}``."""
        return {"index": self.index, "label": self.label, "probability": self.probability}


@dataclass(frozen=True)
class Prediction:
    """The likeliest classes of one image, likeliest first."""

    path: str
    predictions: tuple[Answer, ...]
    set: tuple[Answer, ...] | None = None  # where a coverage was asked for: holds the right class that often
    unknown: Verdict | None = None  # where the model can tell

    head: str | None = None  # with early exit: aux1, aux2 or main, whichever answered

    def as_json(self) -> dict[str, Any]:
        """The entry that ``googlenet predict --json`` prints (docs/cli.md)."""
        entry: dict[str, Any] = {"path": self.path, "predictions": [answer.as_json() for answer in self.predictions]}
        verdict = self.unknown
        entry["unknown"] = verdict and {
            "rejected": verdict.rejected,
            "score": verdict.score,
            "threshold": verdict.threshold,
            "reason": verdict.reason,
        }
        if self.set is not None:
            entry["set"] = [answer.as_json() for answer in self.set]
        if self.head is not None:
            entry["head"] = self.head
        return entry
