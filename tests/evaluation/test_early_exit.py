"""Leaving early: who leaves where, the same answers as the heads give, what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax

from googlenet.cli import app
from googlenet.data.index import Dataset, read_dataset
from googlenet.data.preprocess import prepare
from googlenet.engines import open_engine
from googlenet.errors import SettingsError
from googlenet.evaluation.calibrate import calibrate
from googlenet.evaluation.early_exit import EarlyExit, ExitFigures, measure_early_exit
from googlenet.evaluation.predict import predict
from googlenet.spec import OUTPUTS
from googlenet.variants import batch_norm
from googlenet.weights.calibration import Exit, Exits
from googlenet.weights.model_file import SealedModel, read_model
from tests.conftest import random_tensors


@pytest.fixture
def dataset(colour_folder: Callable[..., Path], tiny_model: SealedModel) -> Dataset:
    return read_dataset(colour_folder(per_class=12), classes=tiny_model.classes)


@pytest.fixture
def model(tiny_model: SealedModel, dataset: Dataset) -> SealedModel:
    spec = batch_norm(3).scaled(1 / 16)
    bare = replace(tiny_model, spec=spec, tensors=random_tensors(spec, seed=3))
    return calibrate(bare, dataset, split="all").model


def _with(model: SealedModel, first: float | None, second: float | None) -> SealedModel:
    """The model with other thresholds."""
    assert model.calibration is not None
    exits = Exits(
        aux1=Exit(temperature=2.0, threshold=first), aux2=Exit(temperature=20.0, threshold=second), tolerance=0.005
    )
    facts = model.calibration.facts.model_copy(update={"exits": exits})
    return replace(model, calibration=replace(model.calibration, facts=facts))


def test_each_image_leaves_at_the_first_head_that_is_sure(model: SealedModel, dataset: Dataset) -> None:
    images = np.stack([prepare(dataset.path(i), model.preprocessing) for i in range(len(dataset))])
    found = open_engine(model).activations(images, list(OUTPUTS.values()))
    temperatures = {"aux1": 2.0, "aux2": 20.0, "main": model.temperature}
    scaled = [found[OUTPUTS[head]] / temperature for head, temperature in temperatures.items()]
    sure = [scipy_softmax(logits, axis=1).max(1) for logits in scaled]
    first = float(np.median(sure[0]))
    second = float(np.median(sure[1][sure[0] < first]))
    logits, heads = EarlyExit(_with(model, first, second)).answer(images)
    expected = np.where(sure[0] >= first, 0, np.where(sure[1] >= second, 1, 2))
    assert len(set(expected)) == 3
    near = (np.abs(sure[0] - first) < 1e-5) | (np.abs(sure[1] - second) < 1e-5)  # one more rounding may decide
    assert np.array_equal(heads[~near], expected[~near])
    for i, head in enumerate(heads):
        np.testing.assert_allclose(logits[i], scaled[head][i], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("thresholds", "head"), [((0.0, 0.0), 0), ((None, 0.0), 1), ((None, None), 2)])
def test_all_or_nobody(model: SealedModel, dataset: Dataset, thresholds: tuple[float | None, float], head: int) -> None:
    figures = measure_early_exit(_with(model, *thresholds), dataset, split="all")
    assert figures.images == 36
    assert figures.shares[head] == 1
    assert sum(part is None for part in figures.right) == 2
    if head == 2:
        assert figures.top1 == figures.whole_top1
        assert not figures.pays
        assert "no image leaves early" in figures.verdict
    assert (figures.macs < figures.whole_macs) == (head < 2)


def test_calibrating_finds_thresholds_that_the_file_keeps(model: SealedModel, tmp_path: Path) -> None:
    assert model.calibration is not None
    assert model.calibration.facts.exits is not None
    model.save(tmp_path / "m.safetensors")
    back = read_model(tmp_path / "m.safetensors")
    assert back.calibration is not None
    assert back.calibration.facts == model.calibration.facts


def test_predictions_say_which_head_answered(model: SealedModel, dataset: Dataset) -> None:
    paths = [dataset.path(i) for i in range(3)]
    early = _with(model, None, 0.0)
    found = list(predict(early, open_engine(early), early.preprocessing, paths, top=3, skipped=[], early_exit=True))
    assert [prediction.as_json()["head"] for prediction in found] == ["aux2"] * 3
    assert sum(answer.probability for answer in found[0].predictions) == pytest.approx(1)
    plain = next(predict(early, open_engine(early), early.preprocessing, paths, top=3, skipped=[]))
    assert "head" not in plain.as_json()


def test_the_commands(model: SealedModel, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, photo = tmp_path / "m.safetensors", dataset.path(0)
    _with(model, 0.0, None).save(path)
    app(["evaluate", str(path), str(dataset.root), "--split", "all", "--early-exit"], result_action="return_none")
    out = capsys.readouterr().out
    assert "100.0 % leave at aux1" in out
    assert "early exit " in out
    app(["predict", str(path), str(photo), "--early-exit"], result_action="return_none")
    assert "(by aux1)" in capsys.readouterr().out
    app(["predict", str(path), str(photo), "--early-exit", "--csv"], result_action="return_none")
    assert capsys.readouterr().out.splitlines()[0].endswith(",probability,head")
    for words in (
        ["predict", str(path), str(photo), "--coverage", "0.9"],
        ["evaluate", str(path), "x", "--crops", "10"],
    ):
        with pytest.raises(SettingsError, match="--early-exit"):
            app([*words, "--early-exit"], result_action="return_none")


def test_what_cannot_leave_early(tiny_model: SealedModel, model: SealedModel) -> None:
    with pytest.raises(SettingsError, match="has no auxiliary heads"):
        EarlyExit(tiny_model)
    with pytest.raises(SettingsError, match="has no thresholds for its heads; find them with: googlenet calibrate"):
        EarlyExit(replace(model, calibration=None))


def test_the_verdict() -> None:
    pays = ExitFigures(100, (0.5, 0.3, 0.2), (1.0, 0.9, 0.8), 0.94, 0.94, 70.0, 100, 0.7, 1.0, 0.005)
    assert pays.pays
    assert pays.verdict == "early exit pays: 70% of the time, 0.0 points of accuracy lost"
    assert replace(pays, top1=0.95).verdict == "early exit pays: 70% of the time, 1.0 points of accuracy won"
    slow, wrong = replace(pays, seconds=0.97), replace(pays, top1=0.92)
    assert not slow.pays
    assert not replace(pays, shares=(0.0, 0.0, 1.0)).pays  # a time won where no image leaves is chance
    assert "80% of the images leave early, but it takes 97% of the time" in slow.verdict
    assert not wrong.pays
    assert "2.0 points of accuracy lost where 0.5 were allowed" in wrong.verdict
