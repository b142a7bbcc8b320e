"""What a GoogLeNet answers, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Logits(Generic[T]):
    """The logits of each head, (batch, classes); ``None`` where the network has no such head or was not asked."""

    main: T
    aux1: T | None = None
    aux2: T | None = None
