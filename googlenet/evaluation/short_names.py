"""What to call several files in a table: as much of their paths as tells them apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Path -> it without the parts, at its beginning and end, that all of them have."""
    parts = {path: Path(path).parts for path in paths}
    if len(parts) == 1:
        return {path: path for path in paths}
    first = _common_length(parts.values())
    last = _common_length(row[first:][::-1] for row in parts.values())
    return {path: str(Path(*row[first : len(row) - last])) for path, row in parts.items()}


def _common_length(rows: Iterable[Sequence[str]]) -> int:
    """How many words all rows begin with alike."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False)))
