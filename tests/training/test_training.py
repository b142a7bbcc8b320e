"""Training on images that are easy to tell apart: it learns, seals what it learned, and says what it cannot do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from googlenet.data.index import Dataset, Split, read_dataset
from googlenet.data.preprocess import Preprocessing, normalise
from googlenet.engines import open_engine
from googlenet.errors import GoogLeNetError, ModelFileError, SettingsError, TrainingError
from googlenet.evaluation.evaluate import evaluate
from googlenet.network.torch_net import GoogLeNet
from googlenet.recipes import recipe, scratch
from googlenet.regression import logistic_regression
from googlenet.training import run as training_run
from googlenet.training.loop import Trainer
from googlenet.training.precision import Gradients, bf16_difference, choose_precision
from googlenet.training.run import MODEL_FILE, new_run_folder, run_settings, train
from googlenet.training.schedule import learning_rate, share_of_step
from googlenet.training.torch_device import Normaliser
from googlenet.training.torch_optimiser import WeightAverage, make_optimiser
from googlenet.training.torch_precision import probe_gradients
from googlenet.variants import batch_norm, paper
from googlenet.weights.model_file import read_model

Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks an eighth as wide, so that a run takes seconds."""
    monkeypatch.setattr(
        training_run, "variant", lambda name, classes, aux_heads: batch_norm(classes, aux_heads=aux_heads).scaled(1 / 8)
    )


def _settings(**changes: Any) -> Any:
    small = {"image_size": 64, "epochs": 4, "batch_size": 8, "precision": "fp32", "learning_rate": 0.02}
    return scratch(**(small | changes))


@pytest.fixture
def dataset(colour_folder: Make) -> Dataset:
    return read_dataset(colour_folder(per_class=20))


def _run(dataset: Dataset, folder: Path, **changes: Any) -> Any:
    return train(dataset, _settings(**changes), new_run_folder(folder))


def test_it_learns_and_seals(dataset: Dataset, tmp_path: Path) -> None:
    model = _run(dataset, tmp_path / "run", epochs=10)
    back = read_model(tmp_path / "run" / MODEL_FILE)
    assert back.record["data"]["fingerprint"] == dataset.fingerprint()
    assert back.record["settings"]["epochs"] == 10
    assert len(back.record["history"]) == 10
    assert evaluate(back, dataset, split="all").figures.top1 > 0.8
    assert evaluate(back, dataset, split="all").figures.top1 == evaluate(model, dataset, split="all").figures.top1
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert {"train/loss_main", "train/loss_aux1", "train/loss_aux2"} <= {key for line in lines for key in line}
    assert list((tmp_path / "run" / "events").iterdir())


def test_the_same_seed_gives_the_same_weights(dataset: Dataset, tmp_path: Path) -> None:
    runs = [_run(dataset, tmp_path / str(i), epochs=1, seed=seed) for i, seed in enumerate((1, 1, 2))]
    weights = [run.tensors["inception_3a/3x3/weight"] for run in runs]
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_finetuning_starts_from_the_weights(dataset: Dataset, tmp_path: Path) -> None:
    source = _run(dataset, tmp_path / "first", epochs=2)
    settings = recipe(
        None,
        weights=tmp_path / "first" / MODEL_FILE,
        image_size=64,
        epochs=1,
        batch_size=8,
        learning_rate=1e-4,
        precision="fp32",
    )
    model = train(dataset, settings, new_run_folder(tmp_path / "second"))
    for name in ("conv1/7x7_s2/weight", "conv1/7x7_s2/norm/mean"):  # the stem is not trained
        assert np.array_equal(model.tensors[name], source.tensors[name])
    assert not np.array_equal(model.tensors["inception_5b/1x1/weight"], source.tensors["inception_5b/1x1/weight"])
    assert model.record["started_from"]["data"] == source.record["data"]


def test_auto_is_settled_by_the_number_of_images(dataset: Dataset, tmp_path: Path) -> None:
    model = _run(dataset, tmp_path / "run", recipe="auto", epochs=0.4)
    assert (run_settings(tmp_path / "run").recipe, run_settings(tmp_path / "run").epochs) == ("scratch", 2.0)
    assert model.record["history"][-1]["epoch"] == 2


@pytest.mark.parametrize("steps", [2, 6])  # of 6 in an epoch
def test_ctrl_c_keeps_what_was_learned(
    steps: int, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, calls = Trainer._step, 0

    def interrupted(self: Trainer, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > steps:
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(Trainer, "_step", interrupted)
    model = _run(dataset, tmp_path / "run")
    assert model.record["interrupted"]
    assert [entry["epoch"] for entry in model.record["history"]] == [steps / 6]
    assert "nan" not in (tmp_path / "run" / "log.jsonl").read_text()
    assert read_model(tmp_path / "run" / MODEL_FILE).classes == dataset.classes


def test_what_cannot_start_says_why(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="48 training images, fewer than --batch-size 64"):
        _run(dataset, tmp_path / "a", batch_size=64)
    with pytest.raises(SettingsError, match="exists already"):
        new_run_folder(tmp_path)  # the images are there
    with pytest.raises(ModelFileError, match="nothing_there"):
        train(dataset, recipe(None, weights=Path("nothing_there")), new_run_folder(tmp_path / "b"))


def test_a_lost_loss_says_what_to_try(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="smaller --learning-rate"):
        _run(dataset, tmp_path / "run", learning_rate=1e30)


def test_a_full_disk_leaves_no_half_model(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any, path: Path) -> None:
        raise ModelFileError(f"{path}: cannot be saved (No space left on device)")

    monkeypatch.setattr(training_run.SealedModel, "save", full)
    with pytest.raises(GoogLeNetError, match="No space left"):
        _run(dataset, tmp_path / "run", epochs=1)
    assert not (tmp_path / "run" / MODEL_FILE).exists()


def test_class_weights_balance(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    train_images = dataset.select(Split.TRAIN)
    few = np.concatenate([train_images[dataset.labels[train_images] == 0][:4], train_images[16:]])
    monkeypatch.setattr(Dataset, "select", lambda self, split: few)
    weights = training_run._class_weights(dataset)
    counts = np.bincount(dataset.labels[few])
    np.testing.assert_allclose(weights * counts, len(few) / 3, rtol=1e-6)


def test_the_rate_warms_up_and_falls() -> None:
    settings = scratch(learning_rate=1.0, warmup=0.1)
    rates = [learning_rate(settings, progress / 1000) for progress in range(1001)]
    assert np.argmax(rates) == 100
    assert rates[100] == 1
    assert rates[550] == pytest.approx(0.5, abs=1e-3)
    assert rates[1000] == pytest.approx(0, abs=1e-9)


def test_decay_is_for_weights_alone() -> None:
    net = GoogLeNet(batch_norm(3).scaled(1 / 16))
    decayed, free = make_optimiser(net, scratch()).param_groups
    assert decayed["weight_decay"] > 0 == free["weight_decay"]
    assert all(parameter.ndim > 1 for parameter in decayed["params"])
    assert len(decayed["params"]) + len(free["params"]) == len(list(net.parameters()))


def test_adamw_when_asked() -> None:
    net = GoogLeNet(batch_norm(3, aux_heads=False).scaled(1 / 16))
    assert isinstance(make_optimiser(net, scratch(optimiser="sgd")), torch.optim.SGD)
    optimiser = make_optimiser(net, scratch(optimiser="adamw", learning_rate=1e-3))
    assert isinstance(optimiser, torch.optim.AdamW)
    assert [group["lr"] for group in optimiser.param_groups] == [1e-3, 1e-3]


def test_the_average_follows_weights_and_statistics() -> None:
    net = GoogLeNet(batch_norm(3, aux_heads=False).scaled(1 / 16))
    average, settings = WeightAverage(net), scratch(average_decay=0.5)
    average.update(share_of_step(settings, 0))
    first = net.canonical()
    for tensor in net.state_dict().values():
        tensor.add_(1)
    average.update(share_of_step(settings, 1))
    assert share_of_step(settings, 1000) == 0.5
    for name, tensor in average.net.canonical().items():  # young: the second value weighs 1 - 2/11
        np.testing.assert_allclose(tensor, first[name] + 1 - 2 / 11, rtol=1e-5, atol=1e-5)


def test_logistic_regression_equals_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    features = (rng.standard_normal((200, 5)) + labels[:, None]).astype(np.float32)
    weight, bias = logistic_regression(features, labels, 3)
    scale = features.std(0, ddof=1).mean()
    oracle = LogisticRegression(C=1 / (0.03 * 200), tol=1e-8, max_iter=1000).fit(features / scale, labels)
    found = features @ weight.T + bias
    expected = oracle.decision_function(features / scale)
    difference = (found - found.mean(1, keepdims=True)) - (expected - expected.mean(1, keepdims=True))
    assert np.abs(difference).max() < 0.02


def test_a_batch_is_normalised_as_a_prediction_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    for preprocessing in (
        Preprocessing(channel_order="BGR", mean=(1, 2, 3), scale=(1, 0.5, 2)),
        Preprocessing(mean=(3, 2, 1)),
    ):
        found = Normaliser(preprocessing, torch.device("cpu"))(pixels)
        expected = np.stack([normalise(image, preprocessing) for image in pixels])
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_precision_is_chosen_by_a_test() -> None:
    def off_by(difference: float) -> Gradients:
        return lambda probe, arithmetic: np.full(9, 1 + difference * (arithmetic == "bf16"), np.float32)

    assert choose_precision("fp32", paper(), off_by(0), lacking=None).name == "fp32"
    assert choose_precision("bf16", paper(), off_by(9), lacking="this cpu has none").name == "bf16"
    chosen = choose_precision("auto", paper(), off_by(0.5), lacking=None)
    assert chosen.name == "fp32"
    assert "failed its self-test: gradients differ from fp32 by 50.0%" in chosen.reason
    assert choose_precision("auto", paper(), off_by(float("nan")), lacking=None).name == "fp32"
    assert choose_precision("auto", paper(), off_by(0.02), lacking=None).name == "bf16"
    chosen = choose_precision("auto", paper(), off_by(0), lacking="this cpu has none")
    assert (chosen.name, chosen.reason) == ("fp32", "this cpu has none")


def test_the_self_test_sees_bf16_as_bf16() -> None:
    difference = bf16_difference(paper(), lambda *case: probe_gradients(*case, torch.device("cpu")))
    assert 1e-4 < difference < 0.1


def test_what_was_trained_is_what_predicts(dataset: Dataset, tmp_path: Path) -> None:
    model = _run(dataset, tmp_path / "run", epochs=1)
    net = GoogLeNet(model.spec).eval()
    net.load_canonical(model.tensors)
    images = np.random.default_rng(0).standard_normal((2, 3, 64, 64)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(images)).main.numpy()
    np.testing.assert_allclose(open_engine(model).logits(images), expected, atol=1e-4)
