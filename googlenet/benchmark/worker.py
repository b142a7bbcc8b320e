"""One engine in a process of its own, which measures what it is asked to: a JSON document a line, each way.

``python -m googlenet.benchmark.worker ENGINE PRECISION MODEL PHOTOGRAPHS THREADS``. The first line out says that the
first photograph is answered; then each line in is ``[task, number]`` and each line out its result.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import evaluation_batches
from googlenet.data.preprocess import prepare
from googlenet.engines import open_engine
from googlenet.errors import GoogLeNetError
from googlenet.weights.convert import open_model

MISTAKE = 2
"""Exit code: the last line on standard error is for the user."""

_SHORTEST = 0.5  # seconds of a throughput: less is mostly the clock and the scheduler


class Worker:
    """The open engine and the photographs; each public method is a task."""

    def __init__(self, engine: str, precision: str, model: Path, photographs: Path, threads: int) -> None:
        sealed = open_model(model)
        self.preprocessing = sealed.preprocessing
        self.paths = sorted(photographs.iterdir())
        self.contents = [path.read_bytes() for path in self.paths]
        # TensorFlow takes its threads from the environment, where the parent has put them.
        self.engine = open_engine(
            sealed, engine, threads=None if engine == "tensorflow" else threads, precision=precision
        )
        self.engine.logits(self._prepared(1))

    def logits(self, batch: int) -> list[list[float]]:
        """What the engine answers to so many photographs: (batch, classes)."""
        values: list[list[float]] = self.engine.logits(self._prepared(batch)).tolist()
        return values

    def latency(self, calls: int) -> list[float]:
        """Seconds from a prepared image to its logits, of each call."""
        image = self._prepared(1)
        return [_seconds(lambda: self.engine.logits(image)) for _ in range(calls)]

    def latency_from_jpeg(self, calls: int) -> list[float]:
        """Seconds from the bytes of a photograph to its logits, of each call; one photograph after the other."""

        def answer(content: bytes) -> None:
            self.engine.logits(prepare(content, self.preprocessing)[None])

        return [_seconds(lambda i=i: answer(self.contents[i % len(self.contents)])) for i in range(calls)]  # type: ignore[misc]

    def throughput(self, batch: int) -> float:
        """Images per second, prepared, ``batch`` at once; after a call that does not count."""
        images = self._prepared(batch)
        self.engine.logits(images)
        started, count = perf_counter(), 0
        while (elapsed := perf_counter() - started) < _SHORTEST or not count:
            self.engine.logits(images)
            count += batch
        return count / elapsed

    def throughput_from_jpeg(self, batch: int) -> float:
        """Images per second from files, decoded in threads while the engine computes."""
        started, count = perf_counter(), 0
        for part in evaluation_batches(self._endless(started), self.preprocessing, batch_size=batch):
            self.engine.logits(part.images)
            count += len(part.indices)
        return count / (perf_counter() - started)

    def memory(self, _: int) -> int | None:
        """Bytes: the most that this process held at a time; None where the system does not tell."""
        status = Path("/proc/self/status")
        if not status.exists():
            return None
        lines = status.read_text(encoding="utf-8").splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)

    def _endless(self, started: float) -> Iterator[Path]:
        """The photographs over and over, until it has gone on for long enough; at least two rounds of the threads."""
        position = 0
        while perf_counter() - started < 2 * _SHORTEST or position < 16:
            yield self.paths[position % len(self.paths)]
            position += 1

    def _prepared(self, batch: int) -> NDArray[np.float32]:
        """(batch, 3, crop, crop): the photographs, over and over."""
        chosen = [self.contents[i % len(self.contents)] for i in range(min(batch, len(self.contents)))]
        images = np.stack([prepare(content, self.preprocessing) for content in chosen])
        return np.resize(images, (batch, *images.shape[1:]))


def _seconds(call: Callable[[], object]) -> float:
    started = perf_counter()
    call()
    return perf_counter() - started


def _say(document: Any) -> None:
    print(json.dumps(document), flush=True)


def main(engine: str, precision: str, model: Path, photographs: Path, threads: int) -> None:
    """Open the engine, say so, and do what standard input asks until it ends."""
    worker = Worker(engine, precision, model, photographs, threads)
    _say("ready")
    for line in sys.stdin:
        task, number = json.loads(line)
        _say(getattr(worker, task)(number))


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]))
    except GoogLeNetError as error:
        print(error, file=sys.stderr)
        sys.exit(MISTAKE)
