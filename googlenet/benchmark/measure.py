"""Every engine measured in turns: what slows the machine down for a while slows them all down alike."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from googlenet.benchmark.figures import Benchmark, Figures, latency_of
from googlenet.benchmark.process import Runner, RunnerProcess
from googlenet.engines import ENGINES, PRECISIONS
from googlenet.engines.cores import usable_cores
from googlenet.errors import DataError, SettingsError
from googlenet.weights.convert import open_model

BATCHES = (1, 4, 8, 16, 32)

_CALLS = 30  # per round, of a latency
_STARTS = 3
_MOST_PHOTOGRAPHS = 32
_MADE = (500, 375)  # pixels, of a photograph that is made: as ImageNet's are on average

Progress = Callable[[int, int], None]


def benchmark(
    model: Path,
    *,
    photographs: Path | None = None,
    engines: Sequence[str] = (),
    threads: int | None = None,
    rounds: int = 3,
    batches: Sequence[int] = BATCHES,
    progress: Progress = lambda done, total: None,
) -> Benchmark:
    """Measure ``model`` on every engine that is installed, or on ``engines``, each at every precision that it has.

    Each engine is a process of its own, started ``_STARTS`` times for its cold start and once more to stay. In each
    round all are measured one after the other, beginning with another one each time, while the rest sleep; each warms
    up before it counts. ``photographs``: a folder of JPEGs, else one is made.

    Raises ``SettingsError`` for an unknown engine or where none can be had, ``DataError`` for a folder without
    photographs, ``ModelFileError``.
    """
    for name, value in (("--rounds", rounds), ("--threads", 1 if threads is None else threads)):
        if value < 1:
            raise SettingsError(f"{name} is {value}; give 1 or more")
    sealed, used = open_model(model), threads or usable_cores()
    with TemporaryDirectory() as name, ExitStack() as processes:
        words = _gather(photographs, Path(name))
        running, starts, left_out = _start(_runners(engines), model, Path(name), used, processes)
        found: dict[str, list[dict[str, Any]]] = {process.runner.name: [] for process in running}
        for number in range(rounds):
            turn = number % len(running)
            for done, process in enumerate(running[turn:] + running[:turn]):
                found[process.runner.name].append(_measure(process, batches))
                progress(number * len(running) + done + 1, rounds * len(running))
        figures = _summarise(running, starts, found)
    return Benchmark(
        model=str(model),
        file_size=model.stat().st_size,
        variant=sealed.spec.variant,
        image_size=sealed.preprocessing.crop_size,
        photographs=words,
        machine=_machine(),
        threads=used,
        rounds=rounds,
        figures=figures,
        left_out=left_out,
    )


def _runners(engines: Sequence[str]) -> list[Runner]:
    if unknown := [name for name in engines if name not in ENGINES]:
        raise SettingsError(f"--engine is {unknown[0]!r}; known are: {', '.join(ENGINES)}")
    return [Runner(engine, precision) for engine in engines or ENGINES for precision in PRECISIONS[engine]]


def _start(
    runners: Sequence[Runner], model: Path, photographs: Path, threads: int, processes: ExitStack
) -> tuple[list[RunnerProcess], dict[str, list[float]], dict[str, str]]:
    """The processes that run, the cold starts of each, and why others do not run."""
    running: list[RunnerProcess] = []
    starts: dict[str, list[float]] = {}
    left_out: dict[str, str] = {}
    for runner in runners:
        try:
            for _ in range(_STARTS - 1):
                process = RunnerProcess(runner, model, photographs, threads)
                process.end()
                starts.setdefault(runner.name, []).append(process.cold_start)
            process = RunnerProcess(runner, model, photographs, threads)
        except SettingsError as error:
            left_out[runner.name] = str(error)
            continue
        processes.callback(process.end)
        starts[runner.name].append(process.cold_start)
        running.append(process)
    if not running:
        raise SettingsError(f"no engine can be measured: {'; '.join(left_out.values())}")
    return running, starts, left_out


def _measure(process: RunnerProcess, batches: Sequence[int]) -> dict[str, Any]:
    """One round of one engine."""
    process.ask("latency", 3)  # after its sleep the first calls are slow
    found = {"latency": process.ask("latency", _CALLS), "latency_from_jpeg": process.ask("latency_from_jpeg", _CALLS)}
    throughput = {batch: process.ask("throughput", batch) for batch in batches}
    best = max(throughput, key=lambda batch: throughput[batch])
    return found | {"throughput": throughput, "throughput_from_jpeg": process.ask("throughput_from_jpeg", best)}


def _summarise(
    running: Sequence[RunnerProcess], starts: dict[str, list[float]], found: dict[str, list[dict[str, Any]]]
) -> tuple[Figures, ...]:
    rows, first = [], None
    for process in running:
        name = process.runner.name
        rounds, logits = found[name], np.array(process.ask("logits", 4))
        first = logits if first is None else first
        rows.append(
            Figures(
                name=name,
                latency=latency_of([value for part in rounds for value in part["latency"]]),
                latency_from_jpeg=latency_of([value for part in rounds for value in part["latency_from_jpeg"]]),
                throughput={
                    batch: median(part["throughput"][batch] for part in rounds) for batch in rounds[0]["throughput"]
                },
                throughput_from_jpeg=median(part["throughput_from_jpeg"] for part in rounds),
                cold_start=median(starts[name]),
                memory=process.ask("memory"),
                difference=float(np.abs(logits - first).max() / np.abs(first).max()),
            )
        )
    return tuple(rows)


def _gather(photographs: Path | None, folder: Path) -> str:
    """Put links to the photographs into ``folder``, or one that is made; says which they are."""
    if photographs is None:
        rng = np.random.default_rng(0)
        small = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
        Image.fromarray(small).resize(_MADE, Image.Resampling.BICUBIC).save(folder / "made.jpg", quality=90)
        return f"one JPEG of {_MADE[0]} × {_MADE[1]} pixels, made"
    paths = sorted(path for path in photographs.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    paths = paths[:_MOST_PHOTOGRAPHS]
    if not paths:
        raise DataError(f"{photographs}: holds no JPEGs; give a folder with files that end in .jpg or .jpeg")
    for number, path in enumerate(paths):
        (folder / f"{number:04}.jpg").symlink_to(path.resolve())
    return f"{len(paths)} JPEGs of {photographs}"


def _machine() -> str:
    """The processor's name where the system tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
