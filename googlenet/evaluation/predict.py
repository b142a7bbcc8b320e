"""Paths to answers: which files are meant, and what the model says of each, in the order they came."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from googlenet.data.decode import EXTENSIONS
from googlenet.data.listing import Skipped
from googlenet.data.preprocess import Preprocessing, prepare
from googlenet.data.shards import is_packed, open_shards
from googlenet.engines import Engine
from googlenet.errors import DataError, ImageError, SettingsError
from googlenet.evaluation.judge import Judge
from googlenet.evaluation.prediction import Answer, Prediction
from googlenet.weights.model_file import SealedModel

__all__ = ["Answer", "Prediction", "find_images", "predict", "predict_one"]

STANDARD_INPUT = "-"

_BATCH = 32
_BLOCK = 2048  # paths taken from a long list at once


def find_images(sources: Iterable[str], skipped: list[Skipped]) -> Iterator[Path]:
    """The image files meant by files, folders (searched wholly, hidden parts left out), globs, or ``-``: paths on
    standard input, one a line.

    A folder without images and a glob that matches nothing are appended to ``skipped``. A file that is named outright
    comes whatever its name. Raises ``DataError`` when standard input is no list of paths.
    """
    for source in sources:
        if source == STANDARD_INPUT:
            yield from _listed_on_standard_input()
        elif os.path.isdir(source):  # noqa: PTH112 - a glob is no path yet
            folder = Path(source)
            yield from _packed_in(folder) if is_packed(folder) else _images_below(folder, skipped)
        elif os.path.exists(source) or not glob.has_magic(source):  # noqa: PTH110
            yield Path(source)
        elif matches := sorted(glob.glob(source, recursive=True)):  # noqa: PTH207
            yield from find_images(matches, skipped)
        else:
            skipped.append(Skipped(Path(source), "matches no file; check the pattern"))


def _listed_on_standard_input() -> Iterator[Path]:
    for line in sys.stdin:
        if "\0" in line:
            raise DataError("standard input: holds zero bytes; give one path a line (find without -print0)")
        if line.strip():
            yield Path(line.rstrip("\r\n"))


def _packed_in(folder: Path) -> Iterator[Path]:
    return (folder / path for path in open_shards(folder).members)


def _images_below(folder: Path, skipped: list[Skipped]) -> Iterator[Path]:
    found = False
    for parent, folders, files in os.walk(folder, onerror=lambda error: skipped.append(_unlisted(error))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and name.lower().endswith(EXTENSIONS):
                found = True
                yield Path(parent) / name
    if not found:
        endings = ", ".join(EXTENSIONS)
        skipped.append(Skipped(folder, f"holds no images; give a folder with files that end in {endings}"))


def _unlisted(error: OSError) -> Skipped:
    return Skipped(Path(str(error.filename)), f"cannot be listed ({error.strerror}); check its permissions")


def take_shard(paths: Iterator[Path], shard: str) -> Iterator[Path]:
    """Of ``i/n`` the i-th of every n paths, counted from 1; raises ``SettingsError`` for other words."""
    part, _, whole = shard.partition("/")
    if not (part.isdecimal() and whole.isdecimal() and 1 <= int(part) <= int(whole)):
        raise SettingsError(f"--shard is {shard!r}; give i/n with i from 1 to n, such as 1/8")
    return islice(paths, int(part) - 1, None, int(whole))


def predict(
    model: SealedModel,
    engine: Engine,
    preprocessing: Preprocessing,
    paths: Iterable[Path],
    *,
    top: int,
    skipped: list[Skipped],
    coverage: float | None = None,
    false_reject: float | None = None,
    early_exit: bool = False,
) -> Iterator[Prediction]:
    """The ``top`` likeliest classes of each image, in order; files that cannot be read are appended to ``skipped``.

    With ``coverage``, 0–1, the set of labels that holds the right one so often too. ``false_reject``, 0–1: the part of
    known images that may be called unknown. ``early_exit``: from the first head that is sure, on onnxruntime whatever
    ``engine`` is; the unknown are not told then. Raises ``SettingsError`` where the model cannot promise or do that.
    """
    judge = open_judge(model, top=top, coverage=coverage, false_reject=false_reject, early_exit=early_exit)
    return _predictions(judge, engine, preprocessing, iter(paths), skipped)


def open_judge(
    model: SealedModel,
    *,
    top: int,
    coverage: float | None = None,
    false_reject: float | None = None,
    early_exit: bool = False,
) -> Judge:
    """What makes answers of a network's logits; arguments and errors as ``predict``'s."""
    if early_exit:
        from googlenet.evaluation.early_judge import EarlyJudge

        return EarlyJudge(model, top=top)
    return Judge(model, top=top, coverage=coverage, false_reject=false_reject)


def _predictions(
    judge: Judge, engine: Engine, preprocessing: Preprocessing, paths: Iterator[Path], skipped: list[Skipped]
) -> Iterator[Prediction]:
    while block := list(islice(paths, _BLOCK)):
        if len(block) == 1:  # no threads to start, nothing more to import: the answer is there sooner
            try:
                yield from judge.judge(engine, prepare(block[0], preprocessing)[None], [str(block[0])])
            except ImageError as error:
                skipped.append(Skipped(block[0], str(error).removeprefix(f"{block[0]}: ")))
            continue
        from googlenet.data.batches import evaluation_batches

        for batch in evaluation_batches(block, preprocessing, batch_size=_BATCH, skipped=skipped):
            yield from judge.judge(engine, batch.images, [str(block[i]) for i in batch.indices])


def predict_one(
    model: SealedModel,
    engine: Engine,
    source: Path | bytes,
    *,
    top: int,
    coverage: float | None = None,
    false_reject: float | None = None,
) -> Prediction:
    """As ``predict`` for one image file, or its bytes; raises ``ImageError`` when it cannot be read."""
    judge = Judge(model, top=top, coverage=coverage, false_reject=false_reject)
    path = "" if isinstance(source, bytes) else str(source)
    return judge.judge(engine, prepare(source, model.preprocessing)[None], [path])[0]
