"""Several models on several crops: averages against plain NumPy, classes by name, cost, what cannot be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax

from googlenet.data.classes import ClassName
from googlenet.data.crops import prepare_crops
from googlenet.data.index import Dataset, read_dataset
from googlenet.engines import open_engine
from googlenet.errors import DataError, ModelFileError, SettingsError
from googlenet.evaluation.evaluate import evaluate, evaluate_together
from googlenet.evaluation.members import class_columns
from googlenet.weights.convert import open_model
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors


@pytest.fixture
def dataset(colour_folder: Callable[..., Path], tiny_model: SealedModel) -> Dataset:
    return read_dataset(colour_folder(per_class=2), classes=tiny_model.classes)


@pytest.fixture
def other(tiny_model: SealedModel) -> SealedModel:
    """Other weights, another input, the same classes in another order."""
    return replace(
        tiny_model,
        classes=tiny_model.classes[::-1],
        tensors=random_tensors(tiny_model.spec, seed=1),
        preprocessing=tiny_model.preprocessing.model_copy(update={"channel_order": "BGR"}),
        path=Path("other"),
    )


def _expected(models: tuple[SealedModel, ...], dataset: Dataset, crops: int) -> np.ndarray:
    names = [name.id for name in models[0].classes]
    each = []
    for model in models:
        engine, place = open_engine(model), [name.id for name in model.classes]
        rows = [engine.logits(prepare_crops(dataset.path(i), model.preprocessing, crops)) for i in range(len(dataset))]
        means = np.array([scipy_softmax(row, axis=1).mean(0) for row in rows])
        each.append(means[:, [place.index(name) for name in names]])
    return np.mean(each, axis=0)


@pytest.mark.parametrize("crops", [1, 10, 144])
def test_the_softmax_is_averaged_over_crops_and_models(
    tiny_model: SealedModel, other: SealedModel, dataset: Dataset, crops: int
) -> None:
    models, seen = (tiny_model, other), []
    result = evaluate_together(
        models, dataset, crops=(crops,), split="all", progress=lambda done, total: seen.append((done, total))
    )
    expected = _expected(models, dataset, crops)
    assert np.array_equal(result.answers.predicted, expected.argmax(1))
    np.testing.assert_allclose(result.answers.confidence, expected.max(1), atol=1e-5)
    np.testing.assert_allclose(result.answers.true_probability, expected[np.arange(6), dataset.labels], atol=1e-5)
    assert [row.models for row in result.protocols] == [(str(tiny_model.path),), ("other",), ("None", "other")]
    alone = _expected((other,), dataset, crops)
    names = [name.id for name in other.classes]
    right = [names[i] == dataset.classes[label].id for i, label in zip(alone.argmax(1), dataset.labels, strict=True)]
    assert result.protocols[1].top1 == np.mean(right)
    assert seen[-1] == (6, 6)


def test_one_model_on_one_crop_is_the_plain_evaluation(tiny_model: SealedModel, dataset: Dataset) -> None:
    plain, row = evaluate(tiny_model, dataset, split="all"), evaluate_together([tiny_model], dataset, split="all")
    assert row.figures.top1 == plain.figures.top1
    assert np.array_equal(row.answers.rank, plain.answers.rank)
    np.testing.assert_allclose(row.answers.confidence, plain.answers.confidence, rtol=1e-6)


def test_cost_grows_with_crops_and_models(tiny_model: SealedModel, other: SealedModel, dataset: Dataset) -> None:
    macs = sum(tiny_model.spec.macs(64).values())
    rows = evaluate_together([tiny_model, other], dataset, crops=(10, 1), split="all").protocols
    assert [(row.crops, row.macs) for row in rows] == [
        (1, macs), (1, macs), (1, 2 * macs), (10, 10 * macs), (10, 10 * macs), (10, 20 * macs),
    ]  # fmt: skip
    for alone, second, together in (rows[:3], rows[3:]):
        assert 0 < max(alone.seconds, second.seconds) < together.seconds


def test_classes_agree_by_id_or_by_name(tiny_model: SealedModel) -> None:
    def named(*names: ClassName) -> SealedModel:
        return replace(tiny_model, classes=names, path=Path("other"))

    assert class_columns(tiny_model, tiny_model).tolist() == [0, 1, 2]
    by_id = named(ClassName("red", "x"), ClassName("blue", "x"), ClassName("green", "x"))
    assert class_columns(tiny_model, by_id).tolist() == [1, 2, 0]
    by_name = named(ClassName("n2", "red"), ClassName("n0", "blue"), ClassName("n1", "green"))
    assert class_columns(tiny_model, by_name).tolist() == [1, 2, 0]
    strange = named(ClassName("red", "red"), ClassName("blue", "blue"), ClassName("pink", "pink"))
    with pytest.raises(ModelFileError, match="other: has not 'green' and has 'pink' besides, unlike the first model"):
        class_columns(tiny_model, strange)


def test_what_cannot_be_asked(tiny_model: SealedModel, dataset: Dataset) -> None:
    with pytest.raises(SettingsError, match="--crops is 12; give 1, 10 or 144"):
        evaluate_together([tiny_model], dataset, crops=(1, 12), split="all")
    with pytest.raises(SettingsError, match=r"--crops is 10, .* leave --resize"):
        evaluate_together([tiny_model], dataset, crops=(1, 10), resize="warp", split="all")
    with pytest.raises(DataError, match="no images in this split"):
        evaluate_together([tiny_model], dataset, crops=(10,), split="val")


def test_a_model_of_another_split_is_told(tiny_model: SealedModel, colour_folder: Callable[..., Path]) -> None:
    dataset = read_dataset(colour_folder(per_class=3), classes=tiny_model.classes)
    models = [
        replace(tiny_model, record={"data": {"fingerprint": mark}}, path=Path(f"model-{mark}")) for mark in ("a", "b")
    ]
    notes = evaluate_together(models, dataset).dataset.notes
    assert "model-b was trained on other data or another split than model-a" in notes[-1]
    assert evaluate_together(models[:1] * 2, dataset).dataset.notes == dataset.notes


def test_a_bad_file_is_left_out_of_every_protocol(
    tiny_model: SealedModel, other: SealedModel, dataset: Dataset
) -> None:
    dataset.path(2).write_bytes(b"")
    result = evaluate_together([tiny_model, other], dataset, crops=(1, 10), split="all")
    assert [row.images for row in result.protocols] == [5] * 6
    assert [part.path for part in result.answers.skipped] == [dataset.path(2)]


def test_ten_crops_of_real_photographs(shared: Path) -> None:
    model = open_model(shared / "weights/bvlc_googlenet.caffemodel")
    labels = shared / "weights/synset_words.txt"
    names = [ClassName(*line.split(" ", 1)) for line in labels.read_text().splitlines()]
    dataset = read_dataset(shared / "imagenet-samples", classes=names)
    dataset = replace(dataset, splits=np.where(np.arange(len(dataset)) < 4, 2, 0).astype(np.int8))
    one, ten = evaluate_together([replace(model, classes=tuple(names))], dataset, crops=(1, 10)).protocols
    assert one.images == ten.images == 4
    assert ten.top1 >= one.top1 >= 0.5
    assert ten.macs == 10 * 1_582_671_872
