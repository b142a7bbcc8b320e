"""The command line: parse, make the settings, call one function, show the result.

Results go to standard output; progress and messages to standard error. Exit codes: 0 done, 2 a mistake that the user
can mend (one line says which), 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter

from googlenet import __version__
from googlenet.errors import GoogLeNetError, SettingsError

if TYPE_CHECKING:
    from googlenet.evaluation.evaluate import Evaluation
    from googlenet.evaluation.predict import Prediction
    from googlenet.workflow import Progress, Run

app = App(
    name="googlenet",
    help="From a folder of photographs to a measured, sealed image classifier.",
    version=__version__,
    help_format="plaintext",
)

Resize = Literal["shorter-side", "warp", "none"]
Json = Annotated[bool, Parameter(name="--json", negative="", help="one JSON document on standard output")]


@app.command
def train(
    data: Path,
    /,
    *,
    out: Path,
    weights: Path | None = None,
    recipe: str | None = None,
    epochs: float | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    image_size: int | None = None,
    flip: bool | None = None,
    class_weights: bool | None = None,
    precision: Literal["auto", "fp32", "bf16"] | None = None,
    seed: int | None = None,
    as_json: Json = False,
) -> None:
    """Train a classifier on a folder of photographs and judge it on images that it has not seen.

    Parameters
    ----------
    data
        a folder with a sub-folder per class, or with train, val and test folders of such, or a CSV: path,label[,split]
    out
        a new folder for the model, the report and the logs
    weights
        a trained model to start from: a sealed model or a .caffemodel
    recipe
        finetune (the default with --weights), scratch (without), or digits
    epochs
        how often each image is seen
    batch_size
        images per step
    learning_rate
        the highest rate, after the warm-up
    image_size
        pixels, in training and in the model
    flip
        mirror images at random; not for digits or text
    class_weights
        weigh each class by the inverse of its number of images
    precision
        auto takes bf16 where this machine has it and a self-test agrees with fp32
    seed
        of the split, the order, the augmentation and the first weights
    """
    from googlenet.recipes import recipe as make_settings
    from googlenet.workflow import train_and_judge

    settings = make_settings(
        recipe,
        weights=weights,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        image_size=image_size,
        flip=flip,
        class_weights=class_weights,
        precision=precision,
        seed=seed,
    )
    with _progress("checking the images") as reading, _progress("judging") as judging:
        run = train_and_judge(data, settings, out, reading=reading, judging=judging)
    _show_run(run, as_json=as_json)


@app.command
def evaluate(
    model: Path,
    data: Path,
    /,
    *,
    split: Literal["train", "val", "test", "all"] = "test",
    resize: Resize | None = None,
    resize_size: int | None = None,
    report: Path | None = None,
    seed: int | None = None,
    as_json: Json = False,
) -> None:
    """Judge a model: accuracy, per-class figures, confusion, 95% intervals.

    Parameters
    ----------
    model
        a sealed model or a .caffemodel
    data
        a folder or a CSV as for train; or a folder of files called <class id>_….jpg
    split
        which images; all takes the data set whole
    resize
        instead of the model's own rule, for a comparison
    resize_size
        pixels, instead of the model's own
    report
        write an HTML file with the confusion matrix and the worst mistakes
    seed
        of the split, where the data set gives none; the model's own by default
    """
    from googlenet.data.index import read_dataset
    from googlenet.evaluation.evaluate import evaluate as judge
    from googlenet.weights.convert import open_model

    sealed = open_model(model)
    seed = sealed.record.get("settings", {}).get("seed", 0) if seed is None else seed
    with _progress("checking the images") as reading:
        dataset = read_dataset(data, seed=seed, classes=sealed.classes, progress=reading)
    with _progress("judging") as judging:
        result = judge(sealed, dataset, split=split, resize=resize, resize_size=resize_size, progress=judging)
    if report is not None:
        from googlenet.evaluation.report import write_report

        write_report(result, report, _command())
        _say(f"report: {report}")
    if as_json:
        _print_json(result.as_json())
    else:
        _show_evaluation(result)


@app.command
def predict(
    model: Path,
    paths: Annotated[tuple[str, ...], Parameter(allow_leading_hyphen=True)],
    /,
    *,
    top: int = 5,
    resize: Resize | None = None,
    resize_size: int | None = None,
    as_json: Json = False,
    csv: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Name what photographs show.

    Parameters
    ----------
    model
        a sealed model or a .caffemodel
    paths
        files, folders, globs, or - for a list on standard input
    top
        how many classes to name
    resize
        instead of the model's own rule, for a comparison
    resize_size
        pixels, instead of the model's own
    csv
        one line per image and class on standard output
    """
    from googlenet.engines import open_engine
    from googlenet.evaluation.evaluate import changed_preprocessing
    from googlenet.evaluation.predict import find_images, predict
    from googlenet.weights.convert import open_model

    if top < 1:
        raise SettingsError(f"--top is {top}; give 1 or more")
    if not paths:
        raise SettingsError("predict needs at least one path: a file, a folder, a glob, or - for standard input")
    sealed = open_model(model)
    preprocessing, changed = changed_preprocessing(sealed.preprocessing, resize=resize, resize_size=resize_size)
    for words in changed:
        _say(f"note: {words}, which is not the model's own preprocessing")
    skipped: list[Any] = []
    answers = predict(sealed, open_engine(sealed), preprocessing, find_images(paths), top=top, skipped=skipped)
    count = _show_predictions(answers, as_json=as_json, as_csv=csv)
    for part in skipped:
        _say(f"skipped {part.path}: {part.reason}")
    if skipped:
        _say(f"{len(skipped)} of {len(skipped) + count} files could not be read")
    if not count:
        raise GoogLeNetError("no image could be read; see the lines above")


@app.command
def convert(
    source: Path,
    target: Path,
    /,
    *,
    labels: Path | None = None,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> None:
    """Turn a foreign checkpoint into a sealed model.

    Parameters
    ----------
    source
        Caffe's bvlc_googlenet.caffemodel or one like it
    target
        the .safetensors file to write
    labels
        a text file with one class per line, in order: an id, a space and a name, or the name alone
    overwrite
        replace the target if it exists
    """
    from googlenet.weights.convert import convert, save_new

    model = convert(source, labels=labels)
    save_new(model, target, overwrite=overwrite)
    count = sum(tensor.size for tensor in model.tensors.values())
    if as_json:
        spec = model.spec
        _print_json({"model": str(target), "variant": spec.variant, "classes": spec.classes, "parameters": count})
    else:
        print(f"{target}: variant {model.spec.variant}, {model.spec.classes} classes, {count:,} parameters")


@app.command
def demo(
    which: Literal["digits", "flowers"] = "digits",
    /,
    *,
    out: Path | None = None,
    data: Path | None = None,
    weights: Path | None = None,
    as_json: Json = False,
) -> None:
    """From images to a measured, sealed model and a report, in minutes.

    Parameters
    ----------
    which
        digits: scikit-learn's handwritten digits, from scratch, no network needed;
        flowers: photographs and ImageNet weights, downloaded once
    out
        a new folder for the results; runs/digits or runs/flowers by default
    data
        flower photographs that are here already
    weights
        ImageNet weights that are here already
    """
    from googlenet import demo
    from googlenet.recipes import recipe
    from googlenet.workflow import train_and_judge

    folder = _free_folder(Path("runs") / which) if out is None else out
    if which == "digits":
        source = data or demo.write_digits(folder.with_name(f"{folder.name}-images"))
        settings = recipe("digits", weights=None)
    else:
        source = data or demo.fetch_flowers()
        settings = recipe("finetune", weights=weights or demo.fetch_weights())
    with _progress("checking the images") as reading, _progress("judging") as judging:
        run = train_and_judge(source, settings, folder, reading=reading, judging=judging)
    _show_run(run, as_json=as_json)


def main() -> None:
    """Run the command of ``sys.argv``."""
    try:
        app(sys.argv[1:], print_error=False, exit_on_error=False, result_action="return_none")
        sys.stdout.flush()
    except CycloptsError as error:
        _fail(f"{error}".strip() + "; see: googlenet --help")
    except GoogLeNetError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains as it ends


def _fail(message: str) -> None:
    red, plain = ("\x1b[31m", "\x1b[0m") if sys.stderr.isatty() else ("", "")
    _say(f"{red}error:{plain} {' '.join(message.split())}")
    sys.exit(2)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _print_json(document: Any) -> None:
    print(json.dumps(document, ensure_ascii=False, allow_nan=False))


def _command() -> str:
    import shlex

    return shlex.join(["googlenet", *sys.argv[1:]])


def _free_folder(folder: Path) -> Path:
    """``folder``, or the first of folder-2, folder-3 … that does not exist."""
    number, free = 2, folder
    while free.exists():
        free, number = folder.with_name(f"{folder.name}-{number}"), number + 1
    return free


@contextmanager
def _progress(description: str) -> Iterator[Progress]:
    """A bar on standard error, drawn only where that is a terminal and something is reported."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    bars = Bars(console=Console(stderr=True), transient=True)
    task = None

    def show(done: int, total: int) -> None:
        nonlocal task
        if task is None:
            bars.start()
            task = bars.add_task(description, total=total)
        bars.update(task, completed=done, total=total)
        if done >= total:
            bars.stop()

    try:
        yield show
    finally:
        bars.stop()


def _show_run(run: Run, *, as_json: bool) -> None:
    if as_json:
        _print_json(run.as_json())
        return
    if run.evaluation is not None:
        _show_evaluation(run.evaluation)
    print(f"model:  {run.model}")
    print(f"report: {run.report or 'none, for there are no test images'}")
    print(f"time:   {run.seconds / 60:.1f} minutes")


def _show_evaluation(evaluation: Evaluation) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    figures = evaluation.figures

    def percent(rate: float | None) -> str:
        return "–" if rate is None else f"{100 * rate:.1f}"

    def span(interval: tuple[float, float] | None) -> str:
        return "" if interval is None else f"{percent(interval[0])}–{percent(interval[1])}"

    table = Table("class", "images", "recall %", "95 %", "precision %", "95 %", "F1 %")
    for row in figures.per_class:
        if row.images or row.precision is not None:
            cells = (str(row.images), percent(row.recall), span(row.recall_interval), percent(row.precision))
            table.add_row(Text(row.name), *cells, span(row.precision_interval), percent(row.f1))
    console = Console(highlight=False)
    console.print(table)
    for words in evaluation.changed:
        print(f"not the model's own preprocessing: {words}")
    print(f"{figures.images} images ({evaluation.split})")
    print(f"top-1 {percent(figures.top1)} % (95 %: {span(figures.top1_interval)})")
    print(f"top-5 {percent(figures.top5)} % (95 %: {span(figures.top5_interval)})")
    for part in (*evaluation.dataset.skipped, *evaluation.answers.skipped):
        _say(f"skipped {part.path}: {part.reason}")


def _show_predictions(answers: Iterator[Prediction], *, as_json: bool, as_csv: bool) -> int:
    """Print them as they come; returns how many there were."""
    if as_json:
        documents = [answer.as_json() for answer in answers]
        _print_json(documents)
        return len(documents)
    count = 0
    if as_csv:
        import csv

        writer = csv.writer(sys.stdout)
        writer.writerow(["path", "rank", "index", "label", "probability"])
    for answer in answers:
        count += 1
        for rank, guess in enumerate(answer.predictions, 1):
            if as_csv:
                writer.writerow([answer.path, rank, guess.index, guess.label, f"{guess.probability:.6f}"])
            else:
                print(f"{answer.path if rank == 1 else '':<40} {100 * guess.probability:6.2f} %  {guess.label}")
    return count
