"""Answers for any number of images, written to a file as they come: flat in memory, resumable, past every bad file."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import prepared_images
from googlenet.data.listing import Skipped
from googlenet.data.preprocess import Preprocessing
from googlenet.engines import Engine
from googlenet.errors import SettingsError
from googlenet.evaluation.judge import Judge
from googlenet.evaluation.result_file import ResultFile, Row

CHUNK = 32
"""Images that are answered together, counted along the list, bad ones too: so a resumed run makes the same batches."""


@dataclass(frozen=True)
class Bulk:
    """What a run came to."""

    images: int  # rows in the file
    resumed: int  # of them, those that an earlier run had written
    unread: int  # of the others, those of files that could not be read

    @property
    def answered(self) -> int:
        """Rows that this run wrote."""
        return self.images - self.resumed


def answer_all(
    judge: Judge,
    engine: Engine,
    preprocessing: Preprocessing,
    paths: Iterable[Path],
    out: ResultFile,
    *,
    resume: bool,
    progress: Callable[[int, int], None] = lambda answered, done: None,
) -> Bulk:
    """Write one row per path, in order, into ``out``; a file that cannot be read gets a row that says why.

    With ``resume`` the rows that are there are kept: whole chunks of them, of which the last is computed again and must
    come out the same, as it does with the same model, options, list and kind of machine.

    Raises ``SettingsError`` where it does not, or where there is a file and no ``resume``.
    """
    with closing(out):
        kept, last = out.open(resume=resume, chunk=CHUNK)
        remaining = iter(paths)
        before = max(0, kept - CHUNK)
        if sum(1 for _ in islice(remaining, before)) < before:
            raise SettingsError(_differs(out, f"has {kept:,} rows, more than the list has files"))
        images, unread = kept, 0
        with closing(_chunks(preprocessing, remaining)) as chunks:
            if kept and out.encode(_answer(judge, engine, next(chunks, []))) != last:
                raise SettingsError(_differs(out, f"has other rows up to number {kept:,} than are computed now"))
            for chunk in chunks:
                rows = _answer(judge, engine, chunk)
                out.write(rows)
                images += len(rows)
                unread += sum(isinstance(row, Skipped) for row in rows)
                progress(images - kept, images)
        out.finish()
    return Bulk(images, kept, unread)


Chunk = list[tuple[Path, NDArray[np.float32] | Skipped]]


def _chunks(preprocessing: Preprocessing, paths: Iterator[Path]) -> Generator[Chunk, None, None]:
    taken: list[Path] = []  # read ahead, not yet given on

    def noted() -> Iterator[Path]:
        for path in paths:
            taken.append(path)
            yield path

    with closing(prepared_images(noted(), preprocessing, ahead=2 * CHUNK)) as prepared:
        while block := list(islice(prepared, CHUNK)):
            yield list(zip(taken[: len(block)], block, strict=True))
            del taken[: len(block)]


def _answer(judge: Judge, engine: Engine, chunk: Chunk) -> list[Row]:
    good = [(str(path), image) for path, image in chunk if not isinstance(image, Skipped)]
    if not good:
        return [image for _, image in chunk if isinstance(image, Skipped)]
    names, images = zip(*good, strict=True)
    answers = iter(judge.judge(engine, np.concatenate(images), list(names)))
    return [image if isinstance(image, Skipped) else next(answers) for _, image in chunk]


def _differs(out: ResultFile, what: str) -> str:
    return (
        f"{out.path}: {what}; resume with the model, engine, options and list that began it, on the same kind of "
        "machine, or give a new --out"
    )
