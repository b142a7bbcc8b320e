"""SIGTERM, as schedulers send it before they take a machine away: finish the step, save, then go."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class StopSignal:
    """Use as a context: while it is open, SIGTERM sets ``asked`` instead of ending the process."""

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None
        self._ours = threading.current_thread() is threading.main_thread()  # others may not handle signals

    def __enter__(self) -> StopSignal:
        if self._ours:
            self._before = signal.signal(signal.SIGTERM, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._ours:
            signal.signal(signal.SIGTERM, self._before)
        if self.asked:
            signal.raise_signal(signal.SIGTERM)  # what was asked for happens now, as it would have without us

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
