"""Runs side by side: what differs, who is better, and a page that shows hostile names as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from googlenet.data.index import read_dataset
from googlenet.errors import ModelFileError
from googlenet.evaluation.compare import Comparison, Pair, pair_up, read_run
from googlenet.evaluation.compare_page import write_comparison
from googlenet.evaluation.evaluate import evaluate
from googlenet.evaluation.mcnemar import mcnemar
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors


@pytest.mark.parametrize("first", [0, 1, 7, 40])
@pytest.mark.parametrize("second", [0, 3, 8, 300])
def test_mcnemar_is_scipys_binomial_test(first: int, second: int) -> None:
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.fixture
def runs(tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]) -> list[Path]:
    dataset = read_dataset(colour_folder(), classes=tiny_model.classes)
    history = [{"epoch": 1.0, "val_top1": 0.25}, {"epoch": 2.0, "val_top1": 0.75}]
    folders = []
    for number, rate in enumerate((0.1, 0.2)):
        record = {
            "settings": {"seed": 0, "learning_rate": rate, "flip": True},
            "data": {"fingerprint": dataset.fingerprint()},
            "val_top1": 0.75,
            "history": history,
        }
        model = replace(tiny_model, tensors=random_tensors(tiny_model.spec, seed=number), record=record)
        folders.append(tmp_path / f"run<{number}>")
        folders[-1].mkdir()
        model.save(folders[-1] / "model.safetensors")
        (folders[-1] / "test.json").write_text(json.dumps(evaluate(model, dataset, split="test").as_json()))
    return folders


def test_what_differs_and_what_it_came_to(runs: list[Path]) -> None:
    comparison = Comparison(tuple(map(read_run, runs)))
    document = comparison.as_json()
    assert document["settings"] == {"learning_rate": [0.1, 0.2]}
    assert document["same_data"] is True
    assert [row["test"]["images"] for row in document["runs"]] == [3, 3]
    assert [row["epochs"] for row in document["runs"]] == [2.0, 2.0]
    assert [name for name, _ in comparison.recalls] == ["blue", "green", "red"]
    bare = Comparison((read_run(runs[0]), read_run(runs[1] / "model.safetensors")))
    assert bare.as_json()["runs"][1]["test"] is None


def test_every_two_on_the_same_images(runs: list[Path], tmp_path: Path) -> None:
    found = [read_run(run) for run in (*runs, runs[0])]
    dataset = read_dataset(tmp_path / "images", classes=found[0].model.classes)
    pairs = pair_up(found, dataset, split="all")
    assert [(pair.first, pair.second) for pair in pairs] == [
        (str(runs[0]), str(runs[1])), (str(runs[0]), str(runs[0])), (str(runs[1]), str(runs[0])),
    ]  # fmt: skip
    rights = [evaluate(run.model, dataset, split="all").answers.rank == 0 for run in found]
    assert pairs[0].only_first == np.sum(rights[0] & ~rights[1])
    assert pairs[0].only_second == np.sum(~rights[0] & rights[1])
    assert pairs[0].both == np.sum(rights[0] & rights[1])
    assert (pairs[1].only_first, pairs[1].only_second, pairs[1].p) == (0, 0, 1.0)


def test_a_verdict_says_who_or_that_nobody_can_tell() -> None:
    assert Pair("a", "b", 100, 80, 3, 15, mcnemar(3, 15)).verdict.startswith("b is better than a: only a has 3 of 100")
    assert Pair("a", "b", 100, 80, 15, 3, mcnemar(15, 3)).verdict.startswith("a is better than b")
    assert "no difference between a and b can be told" in Pair("a", "b", 100, 90, 5, 5, 1.0).verdict


def test_the_page_runs_nothing_and_shows_names_as_text(runs: list[Path], tmp_path: Path) -> None:
    found = tuple(map(read_run, runs))
    dataset = read_dataset(tmp_path / "images", classes=found[0].model.classes)
    write_comparison(Comparison(found, pair_up(found, dataset, split="all")), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "run&lt;0&gt;" in page  # its own folder's name is what tells it apart
    assert "run<0>" not in page
    assert not re.search(r"<script|<img|https?:|src=|href=", page)
    assert page.count("<polyline") == 2
    assert "learning_rate" in page
    assert "p = " in page


def test_bare_models_without_a_record_can_be_compared(tiny_model: SealedModel, tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.safetensors" for i in range(2)]
    for path in paths:
        replace(tiny_model, record={}).save(path)
    comparison = Comparison(tuple(map(read_run, paths)))
    assert comparison.as_json()["same_data"] is False
    write_comparison(comparison, tmp_path / "page.html")
    assert "do not compare directly" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"images": 3}', "null"])
def test_what_is_no_run_says_so(runs: list[Path], tmp_path: Path, content: Any) -> None:
    with pytest.raises(ModelFileError, match=r"holds no model\.safetensors"):
        read_run(tmp_path)
    (runs[0] / "test.json").write_text(content)
    with pytest.raises(ModelFileError, match=r"test\.json: is no evaluation"):
        read_run(runs[0])
