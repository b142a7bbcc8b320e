"""Images of classes that the model does not know: named, and counted as errors where that is asked."""

from __future__ import annotations

from dataclasses import replace

from googlenet.data.index import Split
from googlenet.evaluation.evaluate import Evaluation
from googlenet.trust.intervals import wilson_interval


def with_strangers(evaluation: Evaluation, *, as_errors: bool) -> Evaluation:
    """The evaluation with a note on each unknown class of its split; ``as_errors``: no answer to one can be right.

    Top-1 and top-5 then count these images too; figures of single classes and averages over them are of known ones.
    """
    dataset, figures = evaluation.dataset, evaluation.figures
    splits = list(Split) if evaluation.split == "all" else [Split[evaluation.split.upper()]]
    found = {part.word: sum(part.images[split] for split in splits) for part in dataset.strangers}
    found = {word: count for word, count in found.items() if count}
    how = "count as errors" if as_errors else "are left out"
    notes = tuple(f"{count} images of {word!r}, which the model does not know, {how}" for word, count in found.items())
    if as_errors:
        images = figures.images + sum(found.values())
        top1, top5 = round(figures.top1 * figures.images), round(figures.top5 * figures.images)
        figures = replace(
            figures,
            images=images,
            top1=top1 / images,
            top5=top5 / images,
            top1_interval=wilson_interval(top1, images),
            top5_interval=wilson_interval(top5, images),
        )
    return replace(evaluation, dataset=replace(dataset, notes=(*dataset.notes, *notes)), figures=figures)
