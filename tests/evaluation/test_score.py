"""Answers to a data set: each image once, in bounded memory, with an engine whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax

from googlenet.data.index import Split, read_dataset
from googlenet.data.preprocess import Preprocessing
from googlenet.engines.softmax import softmax
from googlenet.errors import DataError
from googlenet.evaluation.score import score

PREPROCESSING = Preprocessing(resize_size=64, crop_size=64)


class ColourEngine:
    """Answers with the mean of blue, green and red: right on the one-colour images."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def logits(self, images: np.ndarray) -> np.ndarray:
        self.batches.append(len(images))
        return images.mean((2, 3))[:, ::-1].astype(np.float32)

    def activations(self, images: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        raise NotImplementedError


def test_every_image_once_and_in_order(colour_folder: Callable[..., Path]) -> None:
    dataset = read_dataset(colour_folder(per_class=30))
    engine, seen = ColourEngine(), []
    answers = score(engine, PREPROCESSING, dataset, dataset.select(None), progress=lambda *n: seen.append(n))
    assert answers.indices.tolist() == list(range(90))
    assert np.array_equal(answers.labels, dataset.labels)
    assert np.array_equal(answers.predicted, dataset.labels)
    assert not answers.rank.any()
    assert np.array_equal(answers.confidence, answers.true_probability)
    assert engine.batches == [32, 32, 26]
    assert seen == [(32, 90), (64, 90), (90, 90)]


def test_a_file_that_went_bad_is_named_and_left_out(colour_folder: Callable[..., Path]) -> None:
    folder = colour_folder()
    dataset = read_dataset(folder)
    (folder / "green/3.png").write_bytes(b"")
    (folder / "red/9.png").unlink()
    answers = score(ColourEngine(), PREPROCESSING, dataset, dataset.select(None))
    assert len(answers.labels) == 28
    assert [part.path.name for part in answers.skipped] == ["3.png", "9.png"]
    assert np.array_equal(answers.predicted, dataset.labels[answers.indices])


def test_nothing_to_judge_is_said(colour_folder: Callable[..., Path]) -> None:
    folder = colour_folder(per_class=2)
    dataset = read_dataset(folder)
    with pytest.raises(DataError, match="no images in this split"):
        score(ColourEngine(), PREPROCESSING, dataset, dataset.select(Split.TEST))
    for path in folder.glob("*/*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="none of the 6 images"):
        score(ColourEngine(), PREPROCESSING, dataset, dataset.select(None))


def test_softmax_against_scipy() -> None:
    logits = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32) * 300
    assert softmax(logits) == pytest.approx(scipy_softmax(logits, axis=1), abs=1e-6)
