"""What is written down while a network runs: every layer that computes, in order, and what reached it from where.

Nothing that a layer computes goes on: a random probe of the same shape takes its place. So what arrives at the next
layer shows what stands between the two - a ReLU, a norm, a concatenation, a dropout - however that is written, and
whatever the weights are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from googlenet.conformance.parts import Kind, Window

Array = NDArray[np.float32]
Sources = frozenset[int]

PROBE = 100.0
"""The standard deviation of the probes: where a local response norm with the known constants halves a value."""


@dataclass(eq=False, kw_only=True)
class Step:
    """One layer that computed. ``arrived`` and ``made`` are one image's: what it read, and the probe it gave."""

    call: int
    kind: Kind
    sources: Sources  # positions in the list of steps
    arrived: Array
    made: Array
    width: int | None = None
    window: Window | None = None
    bias: bool = True
    norm: bool = False  # whether a batch norm stands behind it
    label: str | int | None = None  # an output's name, or its position among several


class Recorder:
    """Collects steps. ``aside``: calls that are no layers of their own, but a part of what stands between two."""

    def __init__(self, image: Array, aside: frozenset[int] = frozenset()) -> None:
        nothing = np.empty(0, np.float32)
        self.steps = [Step(call=-1, kind="data", sources=frozenset(), arrived=nothing, made=image)]
        self.random = np.random.default_rng(0)
        self._aside = aside
        self._calls = 0

    def starts_step(self) -> bool:
        """Count a call; whether it is a layer's."""
        self._calls += 1
        return self._calls - 1 not in self._aside

    def add(
        self,
        kind: Kind,
        sources: Sources,
        arrived: Array,
        shape: tuple[int, ...],
        *,
        width: int | None = None,
        window: Window | None = None,
        bias: bool = True,
    ) -> tuple[Sources, Array]:
        """Write a layer down; its mark, and the probe (``shape``, batch first) that replaces what it computed."""
        probe = self.random.normal(0, PROBE, shape).astype(np.float32)
        if kind == "conv" and window is not None and covers_its_input(window, arrived):
            kind, window = "linear", None
        self.steps.append(
            Step(
                call=self._calls - 1,
                kind=kind,
                sources=sources,
                arrived=arrived,
                made=probe[0].copy(),
                width=width,
                window=window,
                bias=bias,
            )
        )
        return frozenset({len(self.steps) - 1}), probe

    def add_output(self, label: str | int | None, sources: Sources, arrived: Array) -> None:
        """Write down one thing that the network answers."""
        step = Step(call=-1, kind="output", sources=sources, arrived=arrived, made=arrived, label=label)
        self.steps.append(step)

    def normalise(self, sources: Sources) -> None:
        """Write down that what these steps made goes through a batch norm."""
        for source in sources:
            self.steps[source].norm = True


def covers_its_input(window: Window, arrived: Array) -> bool:
    """Whether a convolution has one window, the whole map: then it is a fully connected layer."""
    return arrived.ndim == 3 and arrived.shape[1:] == window.kernel and window.count == (1, 1)


def observe(image: Array, run: Callable[[Recorder], None]) -> list[Step]:
    """The steps of a network that ``run`` runs under a recorder: again as long as some call turns out to be none.

    A local response norm may be written with a convolution or a pooling over squares. Such a call is known by what
    becomes of it: it is combined, value by value, with its own input.
    """
    aside: frozenset[int] = frozenset()
    while True:
        recorder = Recorder(image, aside)
        run(recorder)
        found = frozenset(_calls_aside(recorder.steps))
        if not found:
            return recorder.steps
        aside |= found


def _calls_aside(steps: list[Step]) -> set[int]:
    calls = set()
    for step in steps:
        for position in step.sources:
            way = steps[position]
            if len(way.sources) != 1 or not way.sources < step.sources or way.kind in ("data", "linear"):
                continue
            (source,) = way.sources
            if step.arrived.size == steps[source].made.size == way.made.size:
                calls.add(way.call)
    return calls
