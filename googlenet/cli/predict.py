"""``googlenet predict``."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from googlenet.background import Background
from googlenet.cli.options import Engine, Json, Precision, Resize
from googlenet.cli.terminal import print_json, say, say_skipped, show_predictions
from googlenet.errors import DataError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from googlenet.data.listing import Skipped
    from googlenet.data.preprocess import Preprocessing
    from googlenet.engines.opening import OpeningEngine
    from googlenet.evaluation.judge import Judge
    from googlenet.evaluation.result_file import ResultFile

_TELL_EVERY = 10.0  # seconds


def _refuse_options(_: object, paths: tuple[str, ...]) -> None:
    for path in paths:
        if path.startswith("-") and path != "-":
            raise ValueError(f"there is no option {path}; a file of that name is given as ./{path}")


def predict(
    model: Path,
    paths: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True, validator=_refuse_options)],
    /,
    *,
    top: int = 5,
    coverage: float | None = None,
    false_reject: float | None = None,
    early_exit: Annotated[bool, Parameter(negative="")] = False,
    resize: Resize | None = None,
    resize_size: int | None = None,
    engine: Engine | None = None,
    precision: Precision = "auto",
    as_json: Json = False,
    csv: Annotated[bool, Parameter(negative="")] = False,
    out: Path | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    shard: str | None = None,
) -> None:
    """Name what photographs show.

    Parameters
    ----------
    model
        a sealed model, a foreign checkpoint, or an export's folder
    paths
        files, folders, globs, or - for a list on standard input, one path a line
    top
        how many classes to name
    coverage
        0–1: name as many classes as it takes for the right one to be among them so often, such as 0.95
    false_reject
        0–1: call a photograph unknown that is like none learned, at the cost of so many known ones; 0.05 by default
    early_exit
        answer from the first head that is sure; googlenet evaluate --early-exit says whether that pays
    resize
        instead of the model's own rule, for a comparison
    resize_size
        pixels, instead of the model's own
    csv
        one line per image and class on standard output
    out
        write one row per image, as they come, into this .csv, .jsonl or .parquet file; bad files get a row too
    resume
        go on with the --out file of a run that was cut off
    shard
        i/n: the i-th of n machines, each of which takes every n-th image
    """
    if top < 1:
        raise SettingsError(f"--top is {top}; give 1 or more")
    if as_json and csv:
        raise SettingsError("--json and --csv are both given; choose one, there is one standard output")
    whole = {"--coverage": coverage, "--false-reject": false_reject}
    if early_exit and (needs := [name for name, value in whole.items() if value is not None]):
        raise SettingsError(f"--early-exit is given, but {needs[0]} holds for the whole network; leave one of them out")
    if early_exit and engine not in (None, "onnxruntime"):
        raise SettingsError(f"--early-exit is given, but --engine is {engine}; it runs on onnxruntime alone")
    if out is not None and csv:
        raise SettingsError(
            f"--csv and --out {out} are both given; the ending of --out tells the form, leave --csv out"
        )
    if resume and out is None:
        raise SettingsError("--resume goes on with a file, but there is no --out; name it")
    from googlenet.export.opening import open_for_answers

    reading = Background(lambda: open_for_answers(model, engine, precision, say=say))
    # Imported while the file is read: half of the time until the first answer goes into imports.
    from googlenet.engines.opening import OpeningEngine
    from googlenet.evaluation.judge import coverage_meaning
    from googlenet.evaluation.override import changed_preprocessing
    from googlenet.evaluation.predict import find_images, open_judge, predict, take_shard
    from googlenet.evaluation.result_file import ResultFile

    sealed, opening = reading.result()
    preprocessing, changed = changed_preprocessing(sealed.preprocessing, resize=resize, resize_size=resize_size)
    for words in changed:
        say(f"note: {words}, which is not the model's own preprocessing")
    if coverage is not None and changed:
        raise SettingsError(
            f"--coverage is {coverage:g}, but holds for the model's own preprocessing; leave --resize out"
        )
    skipped: list[Skipped] = []
    images = find_images(paths, skipped)
    if shard is not None:
        images = take_shard(images, shard)
    if out is not None:
        judge = open_judge(sealed, top=top, coverage=coverage, false_reject=false_reject, early_exit=early_exit)
        if coverage is not None:
            say(f"note: {coverage_meaning(sealed, coverage)}")
        rows = ResultFile(out, top=min(top, len(sealed.classes)), with_set=coverage is not None)
        count = _write_all(judge, OpeningEngine(opening), preprocessing, images, rows, resume=resume, as_json=as_json)
        say_skipped(skipped, count)
        return
    answers = predict(
        sealed,
        OpeningEngine(opening),
        preprocessing,
        images,
        top=top,
        skipped=skipped,
        coverage=coverage,
        false_reject=false_reject,
        early_exit=early_exit,
    )
    if coverage is not None:
        say(f"note: {coverage_meaning(sealed, coverage)}")
    count = show_predictions(answers, as_json=as_json, as_csv=csv)
    if not count and len(skipped) == 1:
        raise DataError(f"{skipped[0].path}: {skipped[0].reason}")
    say_skipped(skipped, count)
    if not count:
        raise DataError(f"no image could be read of {len(skipped)} files; see the lines above")


def _write_all(
    judge: Judge,
    engine: OpeningEngine,
    preprocessing: Preprocessing,
    images: Iterator[Path],
    rows: ResultFile,
    *,
    resume: bool,
    as_json: bool,
) -> int:
    from googlenet.evaluation.bulk import answer_all

    began = last = monotonic()

    def tell(answered: int, done: int) -> None:
        nonlocal last
        if monotonic() - last >= _TELL_EVERY:
            last = monotonic()
            say(f"{done:,} images, {answered / (last - began):.0f} a second")

    bulk = answer_all(judge, engine, preprocessing, images, rows, resume=resume, progress=tell)
    if bulk.answered and bulk.unread == bulk.answered:
        raise DataError(f"{rows.path}: none of {bulk.answered:,} images could be read; see the column error")
    if as_json:
        print_json({"out": str(rows.path), "images": bulk.images, "resumed": bulk.resumed, "unread": bulk.unread})
    else:
        say(f"{bulk.images:,} rows in {rows.path}, {bulk.resumed:,} of them from before; {bulk.unread:,} files unread")
    return bulk.images
