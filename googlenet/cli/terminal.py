"""What the command line writes: results to standard output, progress and messages to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from googlenet.data.examine import Progress
    from googlenet.data.listing import Skipped
    from googlenet.evaluation.evaluate import Evaluation
    from googlenet.evaluation.metrics import ClassFigures
    from googlenet.evaluation.prediction import Answer, Prediction
    from googlenet.trust.intervals import Estimate, Interval
    from googlenet.workflow import Run

_NO_CONTROL_CHARACTERS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], " ")
MEANINGFUL_TOP5 = 6
"""Classes; with fewer the right one is always among the first five."""


def accept_any_path() -> None:
    """Let file names that are no valid UTF-8 through: read from a list as they are, written as ``\\udcXX``, which is
    how JSON spells them.
    """
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)


def say(message: str) -> None:
    """One line on standard error."""
    print(one_line(message), file=sys.stderr, flush=True)


def say_error(message: str) -> None:
    """``error: …`` on standard error, red where that is a terminal."""
    red, plain = ("\x1b[31m", "\x1b[0m") if sys.stderr.isatty() else ("", "")
    print(f"{red}error:{plain} {one_line(message)}", file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """The text without line breaks and control characters."""
    # A file name may hold line breaks, and escape sequences that would command the terminal.
    return " ".join(text.translate(_NO_CONTROL_CHARACTERS).split())


def say_skipped(skipped: Sequence[Skipped], used: int) -> None:
    """Every file that could not be used, and how many these were."""
    for part in skipped:
        say(f"skipped {part.path}: {part.reason}")
    if skipped:
        say(f"skipped {len(skipped)} of {len(skipped) + used} files")


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False, allow_nan=False))


@contextmanager
def progress(description: str) -> Iterator[Progress]:
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


def show_run(run: Run, *, as_json: bool) -> None:
    """What a training run left behind."""
    if as_json:
        print_json(run.as_json())
        return
    if run.evaluation is not None:
        show_evaluation(run.evaluation)
    print(f"model:  {run.model}")
    print(f"report: {run.report or 'none, for there are no test images'}")
    print(f"time:   {run.seconds / 60:.1f} minutes")


def show_evaluation(evaluation: Evaluation) -> None:
    """The figures as a table and in words; what could not be used goes to standard error."""
    from rich.console import Console

    figures = evaluation.figures
    Console(highlight=False).print(_class_table(figures.per_class))
    for words in evaluation.changed:
        print(f"not the model's own preprocessing: {words}")
    print(f"{figures.images} images ({evaluation.split})")
    print(f"top-1 {percent(figures.top1)} % (95 %: {span(figures.top1_interval)})")
    if len(figures.per_class) >= MEANINGFUL_TOP5:
        print(f"top-5 {percent(figures.top5)} % (95 %: {span(figures.top5_interval)})")
    for name, estimate in (("balanced accuracy", figures.balanced_accuracy), ("macro F1", figures.macro_f1)):
        print(f"{name} {_estimate(estimate)}")
    _show_leaks(evaluation)
    _show_calibration(evaluation)
    if absent := sum(not row.images for row in figures.per_class):
        print(f"no images of {absent} of {len(figures.per_class)} classes: nothing is said about these")
    for note in evaluation.dataset.notes:
        say(f"note: {note}")
    say_skipped(evaluation.skipped, figures.images)


def _show_leaks(evaluation: Evaluation) -> None:
    leaks = evaluation.leaks
    if leaks is None:
        return
    if not leaks.images:
        print("none of these images is in the training split, not even almost")
        return
    exact = sum(leak.exact for leak in leaks.images)
    print(f"{len(leaks.images)} of these images are in the training split too ({exact} byte by byte, others almost)")
    if without := leaks.without:
        print(f"without them: top-1 {percent(without.top1)} % (95 %: {span(without.top1_interval)})")


def _estimate(estimate: Estimate) -> str:
    return f"{percent(estimate.value)} % (95 %: {span(estimate.interval)})"


def _show_calibration(evaluation: Evaluation) -> None:
    found, raw = evaluation.reliability, evaluation.raw_reliability
    before = f", {percent(raw.error)} % before" if raw else ""
    print(
        f"calibration error {percent(found.error)} %{before} "
        f"({percent(found.noise)} % would be chance, with so few images)"
    )


def _class_table(rows: Sequence[ClassFigures]) -> Any:
    """Classes without images and never answered are left out."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table("class", box=SIMPLE_HEAD)
    for title in ("images", "recall %", "95 %", "precision %", "95 %", "F1 %"):
        table.add_column(title, justify="right")
    for row in rows:
        if row.images or row.precision is not None:
            recall = (percent(row.recall), span(row.recall_interval))
            precision = (percent(row.precision), span(row.precision_interval))
            table.add_row(Text(row.name), str(row.images), *recall, *precision, percent(row.f1))
    return table


def percent(rate: float | None) -> str:
    """A rate, 0–1, in percent; a dash for what nothing is known of."""
    return "–" if rate is None else f"{100 * rate:.1f}"


def span(interval: Interval | None) -> str:
    """An interval of rates in percent."""
    return "" if interval is None else f"{percent(interval[0])}–{percent(interval[1])}"


def show_predictions(answers: Iterator[Prediction], *, as_json: bool, as_csv: bool) -> int:
    """Print them as they come (JSON: when all are there); returns how many there were."""
    if as_json:
        documents = [answer.as_json() for answer in answers]
        if documents:
            print_json(documents)
        return len(documents)
    write = _write_csv if as_csv else _write_lines
    return write(answers)


def _write_csv(answers: Iterator[Prediction]) -> int:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    count = 0
    for count, answer in enumerate(answers, 1):
        if count == 1:
            extra = ["unknown", "unknown_score", "unknown_threshold"] * (answer.unknown is not None)
            extra += ["in_set"] * (answer.set is not None)
            extra += ["head"] * (answer.head is not None)
            writer.writerow(["path", "rank", "index", "label", "probability", *extra])
        for rank, guess in enumerate(_rows(answer), 1):
            extra = []
            if verdict := answer.unknown:
                extra += [_yes(verdict.rejected), f"{verdict.score:.6f}", f"{verdict.threshold:.6f}"]
            if answer.set is not None:
                extra.append(_yes(guess in answer.set))
            if answer.head is not None:
                extra.append(answer.head)
            writer.writerow([answer.path, rank, guess.index, guess.label, f"{guess.probability:.6f}", *extra])
    return count


def _rows(answer: Prediction) -> tuple[Answer, ...]:
    """The likeliest classes, and as many more as are in the set."""
    longer = answer.set is not None and len(answer.set) > len(answer.predictions)
    return answer.set if answer.set is not None and longer else answer.predictions


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _write_lines(answers: Iterator[Prediction]) -> int:
    count = 0
    for answer in answers:
        count += 1
        for rank, guess in enumerate(_rows(answer), 1):
            path = one_line(answer.path) if rank == 1 else ""
            mark = "" if answer.set is None else "* " if guess in answer.set else "  "
            head = f"  (by {answer.head})" if answer.head and rank == 1 else ""
            print(f"{path:<40} {100 * guess.probability:6.2f} %  {mark}{guess.label}{head}")
        if answer.unknown and answer.unknown.reason:
            print(f"{'':<40} unknown: {one_line(answer.unknown.reason)}")
    return count
