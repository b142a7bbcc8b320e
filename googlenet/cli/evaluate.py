"""``googlenet evaluate``."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from googlenet.cli.options import Engine, Json, Precision, Resize, split_seed
from googlenet.cli.protocols import show_early_exit, show_protocols
from googlenet.cli.terminal import MEANINGFUL_TOP5, print_json, progress, say, show_evaluation
from googlenet.errors import SettingsError


def evaluate(
    model: Path,
    data: tuple[Path, ...],
    /,
    *,
    split: Literal["train", "val", "test", "all"] = "test",
    resize: Resize | None = None,
    resize_size: int | None = None,
    crops: Annotated[tuple[int, ...], Parameter(negative="")] = (1,),
    early_exit: Annotated[bool, Parameter(negative="")] = False,
    unknown_classes: Literal["leave-out", "errors"] | None = None,
    report: Path | None = None,
    lang: Literal["en", "zh"] = "en",
    seed: int | None = None,
    engine: Engine | None = None,
    precision: Precision = "auto",
    as_json: Json = False,
) -> None:
    """Judge a model: accuracy, per-class figures, confusion, 95% intervals.

    Parameters
    ----------
    model
        a sealed model, a foreign checkpoint, or an export's folder
    data
        a folder or a CSV as for train; or a folder of files called <class id>_….jpg; before it further models of the
        same classes, whose answers are averaged
    split
        which images; all takes the data set whole
    resize
        instead of the model's own rule, for a comparison
    resize_size
        pixels, instead of the model's own
    crops
        1, 10 or 144 of each image, whose answers are averaged (the paper's way); several times, to compare
    early_exit
        also run the images from head to head, and say what answering early wins and loses
    unknown_classes
        what becomes of images of classes that the model does not know: left out, or counted as errors of top-1 and
        top-5; refused by default
    report
        write an HTML page with all figures, the worst mistakes and what the model saw, and a model card beside it
    lang
        of the page
    seed
        of the split, where the data set gives none; the model's own by default
    """
    from googlenet.data.crops import check_crops
    from googlenet.data.index import read_dataset
    from googlenet.evaluation.evaluate import evaluate as judge
    from googlenet.evaluation.evaluate import evaluate_together
    from googlenet.evaluation.strangers import with_strangers
    from googlenet.export.opening import DEFAULT_ENGINE, name_engine, open_for_answers
    from googlenet.weights.convert import open_model

    if report is not None and not report.parent.is_dir():
        raise SettingsError(f"--report is {report}, but {report.parent} is no folder; make it first, or name another")
    for count in crops:
        check_crops(count)
    *others, source = data
    another = engine not in (None, DEFAULT_ENGINE) or precision not in ("auto", "fp32") or resize or resize_size
    if early_exit and (others or crops != (1,) or another):
        raise SettingsError("--early-exit is for one model as it is, on one crop; leave the other options out")
    sealed, opening = open_for_answers(model, engine, precision, say=say)
    with progress("checking the images") as reading:
        dataset = read_dataset(
            source,
            seed=split_seed(sealed, seed),
            classes=sealed.classes,
            strangers=unknown_classes is not None,
            progress=reading,
        )
    with progress("judging") as judging:
        asked: dict[str, Any] = {
            "split": split,
            "resize": resize,
            "resize_size": resize_size,
            "progress": judging,
        }
        if others or crops != (1,):
            models = [open_model(path) for path in (model, *others)]
            if precision not in ("auto", "fp32"):
                raise SettingsError(f"--precision is {precision}, but several models or crops are judged in fp32")
            name, _ = name_engine(models[0], engine, "fp32", say=say)
            result = evaluate_together(models, dataset, crops=crops, engine=name, **asked)
        else:
            result = judge(sealed, dataset, engine=opening(), **asked)
    if unknown_classes is not None:
        result = with_strangers(result, as_errors=unknown_classes == "errors")
    if early_exit:
        from googlenet.evaluation.early_exit import measure_early_exit

        with progress("leaving early") as leaving:
            exits = measure_early_exit(sealed, dataset, split=split, progress=leaving)
        result = replace(result, early_exit=exits)
    if report is not None:
        from googlenet.report.page import write_report

        write_report(result, report, shlex.join(["googlenet", *sys.argv[1:]]), lang)
        say(f"report: {report}")
    if as_json:
        print_json(result.as_json())
    else:
        show_evaluation(result)
        if result.early_exit is not None:
            show_early_exit(result.early_exit)
        show_protocols(result.protocols, top5=len(sealed.classes) >= MEANINGFUL_TOP5)
