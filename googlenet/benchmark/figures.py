"""What was measured, and how it is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Latency:
    """Milliseconds within which that part of the calls was answered."""

    p50: float
    p90: float
    p99: float


def latency_of(seconds: Sequence[float]) -> Latency:
    """The percentiles of a list of durations."""
    p50, p90, p99 = (float(value) for value in np.percentile(np.array(seconds) * 1000, (50, 90, 99)))
    return Latency(p50, p90, p99)


@dataclass(frozen=True)
class Figures:
    """One engine at one precision."""

    name: str
    latency: Latency  # from a prepared image, batch 1
    latency_from_jpeg: Latency  # from the bytes of a photograph
    throughput: Mapping[int, float]  # batch -> images per second, the median of the rounds
    throughput_from_jpeg: float  # from files, at the best batch
    cold_start: float  # seconds from starting Python to the first answer, the median of the starts
    memory: int | None  # bytes, the most at a time, with the largest batch
    difference: float  # of the logits from the first engine's, relative to the largest

    @property
    def best_batch(self) -> int:
        """The batch of the highest throughput."""
        return max(self.throughput, key=lambda batch: self.throughput[batch])


@dataclass(frozen=True)
class Benchmark:
    """A model's figures on this machine."""

    model: str
    file_size: int  # bytes
    variant: str
    image_size: int  # pixels
    photographs: str  # which, in words
    machine: str
    threads: int
    rounds: int
    figures: tuple[Figures, ...]
    left_out: Mapping[str, str]  # engine -> why

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet benchmark --json`` prints (docs/cli.md)."""
        return vars(self) | {
            "left_out": dict(self.left_out),
            "figures": [
                vars(row)
                | {
                    "latency": vars(row.latency),
                    "latency_from_jpeg": vars(row.latency_from_jpeg),
                    "throughput": {str(batch): speed for batch, speed in row.throughput.items()},
                    "best_batch": row.best_batch,
                }
                for row in self.figures
            ],
        }
