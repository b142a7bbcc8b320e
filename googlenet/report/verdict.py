"""What an evaluation comes to, in three sentences."""

from __future__ import annotations

import numpy as np

from googlenet.evaluation.evaluate import Evaluation
from googlenet.report.words import Say, percent, span

_CLOSE = 1.5  # times what chance alone would show
_SMALL = 0.025  # calibration error that few would mind


def verdict(evaluation: Evaluation, say: Say) -> tuple[str, str, str]:
    """How good it is, where it is weakest, how far its probabilities can be believed."""
    return _how_good(evaluation, say), _weakest(evaluation, say), _believable(evaluation, say)


def _how_good(evaluation: Evaluation, say: Say) -> str:
    figures = evaluation.figures
    values = {"right": percent(figures.top1), "images": figures.images, "span": span(figures.top1_interval)}
    if evaluation.split in ("val", "test"):
        return say(
            "Of {images} photographs that training did not learn from, the model names {right} rightly; of others of "
            "the same kind, expect {span}.",
            "在训练没有学过的 {images} 张照片中，模型答对了 {right}；对同类的其他照片，预计为 {span}。",
            **values,
        )
    return say(
        "Of {images} photographs the model names {right} rightly ({span}); if it was trained on some of them, expect "
        "less of others.",
        "在 {images} 张照片中，模型答对了 {right}（{span}）；如果其中有训练用过的照片，对其他照片的准确率会更低。",
        **values,
    )


def confused_pairs(evaluation: Evaluation, most: int) -> list[tuple[str, str, int]]:
    """What was taken for what, how often, the most frequent first."""
    wrong = evaluation.figures.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    names = [name.name for name in evaluation.model.classes]
    cells = [divmod(int(cell), len(names)) for cell in order]
    return [(names[i], names[j], int(wrong[i, j])) for i, j in cells if wrong[i, j]]


def _weakest(evaluation: Evaluation, say: Say) -> str:
    seen = [row for row in evaluation.figures.per_class if row.recall is not None]
    if all(row.recall == 1 for row in seen):
        return say(
            "It made no mistake, which tells little about mistakes to come.",
            "它没有出错，但这几乎说明不了以后会不会出错。",
        )
    worst = min(seen, key=lambda row: row.recall or 0)
    pairs = confused_pairs(evaluation, 1)
    values = {
        "name": worst.name,
        "recall": percent(worst.recall),
        "images": worst.images,
        "it": pairs[0][0],
        "taken": pairs[0][1],
        "times": pairs[0][2],
    }
    if pairs[0][2] < 2:
        return say(
            "It is weakest on “{name}”, of which it finds {recall} of {images}; no two classes are confused more than "
            "once.",
            "它最弱的类别是“{name}”，{images} 张中找到 {recall}；没有两个类别被混淆超过一次。",
            **values,
        )
    return say(
        "It is weakest on “{name}”, of which it finds {recall} of {images}; most often it takes “{it}” for “{taken}” "
        "({times} times).",
        "它最弱的类别是“{name}”，{images} 张中找到 {recall}；最常见的错误是把“{it}”当成“{taken}”（{times} 次）。",
        **values,
    )


def _believable(evaluation: Evaluation, say: Say) -> str:
    found = evaluation.reliability
    values = {"error": f"{100 * found.error:.1f}", "noise": f"{100 * found.noise:.1f}"}
    if found.error <= max(_SMALL, _CLOSE * found.noise):
        return say(
            "Its probabilities can be believed: they are off by {error} points on average, where chance alone would "
            "show {noise} with so few photographs.",
            "它给出的概率可以相信：平均偏差 {error} 个百分点，而照片这么少时，仅偶然因素就会有 {noise} 个百分点。",
            **values,
        )
    return say(
        "Do not take its probabilities at their word: they are off by {error} points on average, of which chance "
        "explains {noise}.",
        "不要轻信它给出的概率：平均偏差 {error} 个百分点，其中偶然因素只能解释 {noise} 个百分点。",
        **values,
    )
