"""What is found on validation images, kept in the model and applied by every engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from googlenet.data.index import Split, read_dataset
from googlenet.data.preprocess import prepare
from googlenet.engines import open_engine
from googlenet.errors import DataError, SettingsError
from googlenet.evaluation.calibrate import calibrate
from googlenet.evaluation.evaluate import evaluate
from googlenet.evaluation.predict import predict_one
from googlenet.trust.temperature import fit_temperature
from googlenet.weights.model_file import SealedModel
from tests.conftest import some_calibration


@pytest.fixture
def calibrated(tiny_model: SealedModel) -> SealedModel:
    return replace(tiny_model, calibration=some_calibration())


def test_it_is_fitted_on_the_images_asked_for(tiny_model: SealedModel, colour_folder: Callable[..., Path]) -> None:
    folder = colour_folder(per_class=20)
    (folder / "red/bad.png").write_bytes(b"")
    dataset = read_dataset(folder, classes=tiny_model.classes, verify=False)
    seen: list[tuple[int, int]] = []
    found = calibrate(tiny_model, dataset, split="all", progress=lambda *n: seen.append(n))
    assert [part.path.name for part in found.skipped] == ["bad.png"]
    assert found.calibration.facts.images == 60
    assert found.calibration.facts.data == dataset.fingerprint()
    assert seen[-1][1] == 61
    good = [i for i in range(len(dataset)) if dataset.path(i).name != "bad.png"]
    images = np.stack([prepare(dataset.path(i), tiny_model.preprocessing) for i in good])
    logits = open_engine(tiny_model).logits(images)
    assert found.model.temperature == pytest.approx(fit_temperature(logits, dataset.labels[good]), rel=1e-4)
    own = softmax(logits / found.model.temperature, axis=1)[np.arange(60), dataset.labels[good]]
    assert found.calibration.set_scores == pytest.approx(np.sort(-np.log(own)), rel=1e-3)
    assert calibrate(tiny_model, dataset, split="val").calibration.facts.images == len(dataset.select(Split.VAL))


def test_few_images_are_said_to_be_few(tiny_model: SealedModel, colour_folder: Callable[..., Path]) -> None:
    dataset = read_dataset(colour_folder(), classes=tiny_model.classes)
    notes = calibrate(tiny_model, dataset).notes
    assert len(notes) == 1
    assert "3 images are few" in notes[0]


def test_nothing_to_calibrate_on_is_said(tiny_model: SealedModel, colour_folder: Callable[..., Path]) -> None:
    dataset = read_dataset(colour_folder(per_class=2), classes=tiny_model.classes)
    with pytest.raises(DataError, match="has no images for val to calibrate on"):
        calibrate(tiny_model, dataset)


@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
def test_every_engine_applies_it(
    tiny_model: SealedModel, calibrated: SealedModel, colour_folder: Callable[..., Path], engine: str
) -> None:
    dataset = read_dataset(colour_folder(), classes=tiny_model.classes)
    path = dataset.path(0)
    plain = predict_one(tiny_model, open_engine(tiny_model, engine), path, top=3).predictions
    found = predict_one(calibrated, open_engine(calibrated, engine), path, top=3).predictions
    assert [part.index for part in found] == [part.index for part in plain]
    logs = np.log([part.probability for part in plain]) / calibrated.temperature
    assert [part.probability for part in found] == pytest.approx(softmax(logs).tolist(), rel=1e-4)
    raw = evaluate(tiny_model, dataset, split="all", engine=open_engine(tiny_model, engine))
    judged = evaluate(calibrated, dataset, split="all", engine=open_engine(tiny_model, engine))
    assert judged.raw_reliability == raw.reliability
    assert raw.raw_reliability is None
    assert judged.reliability.error != raw.reliability.error
    assert judged.answers.rank.tolist() == raw.answers.rank.tolist()


def test_sets_grow_with_the_coverage(tiny_model: SealedModel, colour_folder: Callable[..., Path]) -> None:
    dataset = read_dataset(colour_folder(per_class=40), classes=tiny_model.classes)
    model = calibrate(tiny_model, dataset, split="all").model  # knows nothing, so its sets must be large
    engine = open_engine(model)
    sizes = []
    for coverage in (0.05, 0.5, 0.9, 0.99):
        answer = predict_one(model, engine, dataset.path(0), top=1, coverage=coverage)
        assert answer.set is not None
        assert answer.set[0] == answer.predictions[0]
        sizes.append(len(answer.set))
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0] == 1


def test_a_coverage_without_a_calibration_is_refused(
    tiny_model: SealedModel, make_picture: Callable[..., Path]
) -> None:
    with pytest.raises(SettingsError, match="has no calibration; make one with: googlenet calibrate"):
        predict_one(tiny_model, open_engine(tiny_model), make_picture("x.png"), top=1, coverage=0.9)


def test_the_unknown_is_told_by_training_images(tiny_model: SealedModel, colour_folder: Callable[..., Path]) -> None:
    dataset = read_dataset(colour_folder(per_class=70), classes=tiny_model.classes)
    found = calibrate(tiny_model, dataset)
    facts = found.calibration.facts
    assert (facts.images, facts.known_classes, facts.width) == (21, 3, 64)
    engine = open_engine(found.model)
    known = predict_one(found.model, engine, dataset.path(0), top=1)
    assert known.unknown is not None
    photo = dataset.path(int(dataset.select(Split.VAL)[0]))
    strict = predict_one(found.model, engine, photo, top=1, false_reject=0.99).unknown
    assert strict is not None
    assert strict.threshold < known.unknown.threshold
    assert strict.score == pytest.approx(
        found.calibration.unknown_scores[found.calibration.unknown_scores.searchsorted(strict.score - 1e-5)], abs=1e-4
    )
    with pytest.raises(SettingsError, match=r"--false-reject is 0\.01, but the model was calibrated on 21 images"):
        predict_one(found.model, engine, photo, top=1, false_reject=0.01)
    with pytest.raises(SettingsError, match="cannot tell the unknown"):
        predict_one(tiny_model, engine, photo, top=1, false_reject=0.01)


def test_with_too_few_images_nothing_is_called_unknown(
    tiny_model: SealedModel, colour_folder: Callable[..., Path]
) -> None:
    dataset = read_dataset(colour_folder(), classes=tiny_model.classes)
    model = calibrate(tiny_model, dataset).model
    assert predict_one(model, open_engine(model), dataset.path(0), top=1).unknown is None
