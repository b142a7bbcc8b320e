"""Photographs explained one after another: their pictures are written as they come."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.data.listing import Skipped
from googlenet.errors import ImageError
from googlenet.explanation.explain import Explainer, Explanation, Method, Progress
from googlenet.explanation.heads import Opinions, head_opinions
from googlenet.explanation.maps import Map
from googlenet.explanation.overlay import draw_map, draw_whole, png, shows_nearly_all
from googlenet.explanation.view import View, look
from googlenet.saving import atomic_write

QUESTIONS = ("answer", "against_runner_up")


@dataclass(frozen=True)
class Picture:
    """One map of one method, drawn."""

    found: Explanation
    map: Map
    question: str  # of QUESTIONS
    file: Path

    def as_json(self) -> dict[str, Any]:
        """The entry of ``maps`` in ``googlenet explain --json`` (docs/cli.md)."""
        part = self.map
        return {
            "method": self.found.method,
            "layer": self.found.layer,
            "question": self.question,
            "picture": str(self.file),
            "size": list(part.values.shape),
            "score": part.score,
            "sum": part.sum,
            "constant": part.constant,
            "completeness_error": part.error,
            "top_cell": list(part.top_cell),
            "steps": self.found.steps,
        }


@dataclass(frozen=True)
class Entry:
    """One photograph, with all that was found out about it."""

    view: View
    probabilities: NDArray[np.float32]  # (classes,)
    answer: int
    runner_up: int | None
    pictures: tuple[Picture, ...]
    whole: Path | None  # the first map on the whole photograph; None where the network saw nearly all of it
    heads: Opinions

    def as_json(self, names: list[str]) -> dict[str, Any]:
        """The entry of ``googlenet explain --json`` (docs/cli.md)."""

        def opinion(probabilities: NDArray[np.float32], index: int) -> dict[str, Any]:
            return {"index": index, "label": names[index], "probability": float(probabilities[index])}

        return {
            "path": self.view.path,
            "answer": opinion(self.probabilities, self.answer),
            "runner_up": None if self.runner_up is None else opinion(self.probabilities, self.runner_up),
            "box": list(self.view.box),
            "heads": {head: opinion(p, int(p.argmax())) for head, p in self.heads.probabilities.items()},
            "whole": None if self.whole is None else str(self.whole),
            "maps": [picture.as_json() for picture in self.pictures],
        }


def explain_files(
    explainer: Explainer,
    paths: Sequence[Path],
    folder: Path,
    methods: Sequence[Method],
    layer: str | None,
    *,
    skipped: list[Skipped],
    progress: Progress = lambda done, total: None,
) -> Iterator[Entry]:
    """Explain each image by each method and write its pictures into ``folder``, one photograph in memory at a time.

    Files that cannot be read are appended to ``skipped``. Raises what ``Explainer.explain`` raises, and
    ``ModelFileError`` where a picture cannot be written.
    """
    for number, path in enumerate(paths):
        try:
            view = look(path, explainer.model.preprocessing)
        except ImageError as error:
            skipped.append(Skipped(path, str(error).removeprefix(f"{path}: ")))
            continue
        name = f"{number + 1:04d}-{re.sub(r'[^A-Za-z0-9_-]+', '_', path.stem)[:40]}"
        folder.mkdir(parents=True, exist_ok=True)
        found = []
        for i, method in enumerate(methods):
            part = within(progress, number * len(methods) + i, len(paths) * len(methods))
            found.append(explainer.explain(view, method, layer, progress=part))
            part(1, 1)
        heads = head_opinions(explainer.model, explainer.engine, view.input)
        yield _write_pictures(found, heads, folder / name)


def within(progress: Progress, position: int, parts: int) -> Progress:
    """Progress within one of several parts, told as progress of the whole."""
    return lambda done, total: progress(100 * position + 100 * done // total, 100 * parts)


def _write_pictures(found: Sequence[Explanation], heads: Opinions, stem: Path) -> Entry:
    view = found[0].view
    pictures: list[Picture] = []
    whole = None
    for explanation in found:
        for part, question in zip(explanation.maps, QUESTIONS, strict=False):
            square = draw_map(view, part)
            file = stem.with_name(f"{stem.name}-{explanation.method}-{question.replace('_', '-')}.png")
            atomic_write(file, [png(square)])
            if not pictures and not shows_nearly_all(view):
                whole = stem.with_name(f"{stem.name}-whole.png")
                atomic_write(whole, [png(draw_whole(view, square))])
            pictures.append(Picture(explanation, part, question, file))
    first = found[0]
    return Entry(view, first.probabilities, first.answer, first.runner_up, tuple(pictures), whole, heads)
