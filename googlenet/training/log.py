"""What a run says while it goes on: to a person, to a file of JSON lines, to TensorBoard."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from googlenet.training.events import Events

_PLAIN_INTERVAL = 10.0  # seconds between lines where there is no terminal


class RunLog:
    """Use as a context. Everything for people goes to standard error.

    Without a folder it is silent: of several processes, one speaks.
    """

    def __init__(self, folder: Path | None) -> None:
        self.console = Console(stderr=True, highlight=False, quiet=folder is None)
        self._is_silent = folder is None
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=self.console,
            disable=folder is None or not self.console.is_terminal,
        )
        self._lines = (folder / "log.jsonl" if folder else Path(os.devnull)).open("a", encoding="utf-8")
        self._events = Events(folder / "events") if folder else None
        self._folder, self._complained = folder, False
        self._task: TaskID | None = None
        self._description = ""
        self._spoken = monotonic()

    def __enter__(self) -> RunLog:
        self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.progress.stop()
        self._try(self._lines.close)
        if self._events:
            self._try(self._events.close)

    def say(self, message: str) -> None:
        """One line for a person, also kept in the log."""
        self.console.print(message, markup=False, soft_wrap=True)
        self._write({"message": message})

    def begin(self, description: str) -> None:
        """The next part of the work: a new bar."""
        if self._task is not None:
            self.progress.remove_task(self._task)
        self._description, self._spoken = description, monotonic()
        self._task = self.progress.add_task(description, total=None, figures="")

    def advance(self, done: int, total: int, figures: str = "") -> None:
        """How far the part has come; a plain line now and then where no bar can be drawn."""
        if self._task is not None:
            self.progress.update(self._task, completed=done, total=total, figures=figures)
        if not self._is_silent and not self.console.is_terminal and monotonic() - self._spoken >= _PLAIN_INTERVAL:
            self._spoken = monotonic()
            print(f"{self._description} {done}/{total} {figures}".rstrip(), file=sys.stderr, flush=True)

    def figures(self, step: int, values: dict[str, float]) -> None:
        """Numbers by name at a step (samples consumed), for the two logs."""
        self._write({"samples": step} | values)
        if events := self._events:
            self._try(lambda: events.add(step, values))

    def _write(self, entry: dict[str, Any]) -> None:
        self._try(lambda: self._lines.write(json.dumps(entry, ensure_ascii=False) + "\n"))
        self._try(self._lines.flush)

    def _try(self, write: Callable[[], Any]) -> None:
        """A full disk does not end a training for a line of its logs; it is said once, and the next line is tried."""
        try:
            write()
        except OSError as error:
            if not self._complained:
                self._complained = True
                self.console.print(
                    f"THE LOGS CANNOT BE WRITTEN: {self._folder} ({error.strerror or error}); free some space; "
                    "training goes on, its logs have gaps",
                    markup=False,
                    soft_wrap=True,
                )
