"""SIGTERM, as schedulers send it before they take a machine away: finish the step, save, then go.

Among several processes Ctrl-C counts as much, for none may leave in the middle of a step; all leave together.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from googlenet.training.processes import any_of_all, place


class StopSignal:
    """Use as a context: while it is open, SIGTERM sets ``asked`` instead of ending the process."""

    def __init__(self) -> None:
        self.asked = False
        self._signal: int = signal.SIGTERM
        self._watched = (signal.SIGTERM, signal.SIGINT) if place().world > 1 else (signal.SIGTERM,)
        self._before: dict[signal.Signals, Any] = {}
        self._ours = threading.current_thread() is threading.main_thread()  # others may not handle signals

    def __enter__(self) -> StopSignal:
        if self._ours:
            self._before = {number: signal.signal(number, self._ask) for number in self._watched}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.asked:
            signal.raise_signal(self._signal)  # what was asked for happens now, as it would have without us

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked, self._signal = True, number

    def agreed(self) -> bool:
        """Whether any process was asked; all come to the same answer after the same step."""
        self.asked = any_of_all(self.asked)
        return self.asked
