"""How many threads an engine takes when nobody says."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """The cores that this process may use: where it is bound to some, more threads only wait for one another."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
