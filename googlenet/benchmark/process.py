"""The parent's end of a worker: start it, ask it, end it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter
from typing import Any

from googlenet.benchmark.worker import MISTAKE
from googlenet.errors import GoogLeNetError, SettingsError


@dataclass(frozen=True)
class Runner:
    """What is measured: an engine at a precision."""

    engine: str
    precision: str

    @property
    def name(self) -> str:
        """``openvino bf16``; the engine alone at fp32."""
        return self.engine if self.precision == "fp32" else f"{self.engine} {self.precision}"


class RunnerProcess:
    """A worker that runs; ``cold_start``: seconds from starting Python to the first answer."""

    def __init__(self, runner: Runner, model: Path, photographs: Path, threads: int) -> None:
        """Raises ``SettingsError`` where the engine is not to be had here, ``GoogLeNetError`` where it dies."""
        self.runner = runner
        command = [sys.executable, "-m", "googlenet.benchmark.worker", runner.engine, runner.precision]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "TF_NUM_INTRAOP_THREADS": str(threads)}
        self._errors = TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed with the process
        started = perf_counter()
        self._process = subprocess.Popen(
            [*command, str(model), str(photographs), str(threads)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            self._answer()
        except BaseException:
            self.end()
            raise
        self.cold_start = perf_counter() - started

    def ask(self, task: str, number: int = 0) -> Any:
        """The result of a task of ``Worker``; raises ``GoogLeNetError`` where the process dies."""
        assert self._process.stdin is not None  # it is a pipe
        self._process.stdin.write(json.dumps([task, number]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> None:
        """Let it go; does nothing the second time."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _answer(self) -> Any:
        assert self._process.stdout is not None  # it is a pipe
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        code = self._process.wait()
        self._errors.seek(0)
        last = (self._errors.read().strip().splitlines() or ["nothing on standard error"])[-1]
        if code == MISTAKE:
            raise SettingsError(last)
        raise GoogLeNetError(
            f"engine {self.runner.name} ended with exit code {code} ({last}); leave it out by --engine"
        )
