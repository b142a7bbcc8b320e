"""An evaluation as one HTML file: opens from disk, asks for nothing, runs no script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from googlenet import __version__
from googlenet.evaluation.evaluate import Evaluation
from googlenet.evaluation.score import Answers
from googlenet.report.card import model_card, seen_in_training
from googlenet.report.curves import curves
from googlenet.report.photographs import Album
from googlenet.report.verdict import confused_pairs, verdict
from googlenet.report.words import Language, percent, span, speaker
from googlenet.saving import atomic_write
from googlenet.trust.intervals import wilson_interval
from googlenet.trust.unknown import FALSE_REJECT

_MOST_MISTAKES, _MOST_DOUBTFUL, _MOST_UNKNOWN = 24, 12, 12
_WHOLE_MATRIX = 30  # classes; beyond that only the most confused pairs are shown
_MOST_PAIRS = 30
_MOST_ROWS = 1000


def write_report(evaluation: Evaluation, path: Path, command: str, language: Language = "en") -> None:
    """Write the report to ``path`` and the model card beside it, as ``<name>.card.md``; ``command`` is what repeats it.

    Raises ``ModelFileError`` where that fails.
    """
    say = speaker(language)
    # Autoescape: a class or a file may be called <script>.
    environment = Environment(loader=PackageLoader("googlenet.report"), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"percent": percent, "interval": span}
    environment.globals |= {"say": say, "lang": language}
    content = _content(evaluation, command) | {
        "verdict": verdict(evaluation, say),
        "curves": curves(evaluation.model.record.get("history"), say),
        "seen_in_training": seen_in_training(evaluation.model.record),
    }
    page = environment.get_template("report.html.j2").render(content)
    atomic_write(path, [page.encode("utf-8", "backslashreplace")])
    card = model_card(evaluation, verdict(evaluation, speaker("en")), command)
    atomic_write(path.with_suffix(".card.md"), [card.encode("utf-8", "backslashreplace")])


def _content(evaluation: Evaluation, command: str) -> dict[str, Any]:
    figures, record, answers = evaluation.figures, evaluation.model.record, evaluation.answers
    settings, versions = record.get("settings"), record.get("versions")
    album = Album(evaluation)
    return {
        "figures": figures,
        "evaluation": evaluation,
        "classes": [name.name for name in evaluation.model.classes],
        "folded": sum(row.images > 0 for row in figures.per_class) > _WHOLE_MATRIX,
        "rows": [row for row in figures.per_class if row.images or row.precision is not None][:_MOST_ROWS],
        "absent": [row.name for row in figures.per_class if not row.images],
        "matrix": _matrix(evaluation) if len(evaluation.model.classes) <= _WHOLE_MATRIX else None,
        "pairs": confused_pairs(evaluation, _MOST_PAIRS),
        "mistakes": album.photographs(_worst(answers)),
        "mistake_count": int((answers.rank > 0).sum()),
        "doubtful": album.photographs(_doubtful(answers)),
        "strange": album.photographs(_strange(evaluation)),
        "false_reject": FALSE_REJECT,
        "skipped": evaluation.skipped,
        "settings": settings if isinstance(settings, dict) else {},
        "versions": versions if isinstance(versions, dict) else {},
        "preprocessing": evaluation.preprocessing.model_dump(mode="json"),
        "fingerprint": evaluation.dataset.fingerprint(),
        "version": __version__,
        "command": command,
    }


def _worst(answers: Answers) -> Any:
    """Wrong answers, the most confident first."""
    wrong = np.flatnonzero(answers.rank > 0)
    return wrong[np.argsort(-answers.confidence[wrong], kind="stable")][:_MOST_MISTAKES]


def _doubtful(answers: Answers) -> Any:
    """Right answers, the least confident first: the wrong ones are shown already."""
    right = np.flatnonzero(answers.rank == 0)
    return right[np.argsort(answers.confidence[right], kind="stable")][:_MOST_DOUBTFUL]


def _strange(evaluation: Evaluation) -> Any:
    """What would be called unknown, the strangest first."""
    if evaluation.unknown is None:
        return []
    rejected = np.flatnonzero(evaluation.unknown.rejected)
    return rejected[np.argsort(-evaluation.answers.distance[rejected], kind="stable")][:_MOST_UNKNOWN]


def _matrix(evaluation: Evaluation) -> list[list[tuple[int, float, str]]]:
    """Per cell the count, the share of its row, 0–1, which is how dark it is drawn, and the share in words."""
    return [[_cell(int(count), int(row.sum())) for count in row] for row in evaluation.figures.confusion]


def _cell(count: int, images: int) -> tuple[int, float, str]:
    if not images:
        return count, 0.0, ""
    return (
        count,
        count / images,
        f"{count} / {images}: {percent(count / images)} ({span(wilson_interval(count, images))})",
    )
