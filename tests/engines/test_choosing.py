"""auto: the fastest that answers right, each tried in a process of its own, remembered."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from googlenet.engines import choosing, open_engine
from googlenet.engines.choosing import Choice, check_survives, choose, run_trial, trial_images
from googlenet.engines.memory import machine_key, recall, remember
from googlenet.errors import SettingsError
from googlenet.export.opening import name_engine
from googlenet.saving import cache_folder
from googlenet.weights.model_file import SealedModel, read_model

PAIRS = [("onnxruntime", "fp32"), ("openvino", "fp32"), ("openvino", "bf16")]


@pytest.fixture
def model(tiny_model: SealedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SealedModel:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tiny_model.save(tmp_path / "m.safetensors")
    return read_model(tmp_path / "m.safetensors")


def _choose(
    model: SealedModel, monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, Any]], precision: str = "auto"
) -> Choice:
    by_pair = dict(zip(PAIRS, answers, strict=True))
    monkeypatch.setattr(choosing, "candidates", lambda: PAIRS)
    monkeypatch.setattr(choosing, "run_trial", lambda path, pair: by_pair[pair])
    return choose(model, precision)


def _answer(speed: float, change: float = 0.0) -> dict[str, Any]:
    return {"logits": [[3.0, 1.0 + change, -2.0]], "images_per_second": speed}


def test_the_fastest_is_taken_and_remembered(model: SealedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = _choose(model, monkeypatch, [_answer(10), _answer(20), _answer(30, 0.05)])
    assert (choice.engine, choice.precision, choice.is_new) == ("openvino", "bf16", True)
    assert "onnxruntime fp32 10 images/s" in choice.in_words()
    again = _choose(model, monkeypatch, [{}, {}, {}])
    assert (again.engine, again.precision, again.is_new) == ("openvino", "bf16", False)
    other = _choose(model, monkeypatch, [_answer(10), _answer(20), {}], "fp32")
    assert (other.engine, other.precision) == ("openvino", "fp32")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (_answer(99, 0.2), "logits differ by 6.7e-02"),
        ({"logits": [[1.0, 3.0, -2.0]], "images_per_second": 99}, "logits differ"),
        ({"logits": [[float("nan")] * 3], "images_per_second": 99}, "what it gives is no answer"),
        ({"fault": "ended with -11"}, "ended with -11"),
    ],
)
def test_what_answers_wrong_or_crashes_is_not_taken(
    model: SealedModel, monkeypatch: pytest.MonkeyPatch, bad: dict[str, Any], says: str
) -> None:
    choice = _choose(model, monkeypatch, [_answer(10), _answer(5), bad])
    assert (choice.engine, choice.precision) == ("onnxruntime", "fp32")
    assert f"openvino bf16 not taken: {says}" in choice.in_words()


def test_what_fp32_may_not_do_bf16_may(model: SealedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = _choose(model, monkeypatch, [_answer(1), _answer(99, 0.01), _answer(5, 0.01)])
    assert (choice.engine, choice.precision) == ("openvino", "bf16")


def test_a_trial_is_what_the_engine_gives(model: SealedModel, tmp_path: Path) -> None:
    found = run_trial(tmp_path / "m.safetensors", ("onnxruntime", "fp32"))
    expected = open_engine(model).logits(trial_images(model))
    np.testing.assert_allclose(np.array(found["logits"]), expected, rtol=1e-5)
    fault = str(run_trial(tmp_path / "m.safetensors", ("abacus", "fp32"))["fault"])
    assert fault.startswith("ended with 1, ")
    assert "engine is 'abacus'" in fault


def test_memory_forgets_what_is_damaged_and_minds_no_folder(
    model: SealedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = machine_key("a", "b", 2)
    assert key != machine_key("a", "b", 1)
    remember(key, {"x": 1})
    assert recall(key) == {"x": 1}
    folder = cache_folder()
    assert folder is not None
    (folder / f"{key}.json").write_text("nothing")
    assert recall(key) is None
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    remember(key, {"x": 1})
    assert recall(key) is None


def test_a_model_without_a_file_gets_the_reference(tiny_model: SealedModel) -> None:
    assert choose(replace(tiny_model, path=None)).engine == "onnxruntime"


_CRASHES = "import os; os.kill(os.getpid(), 11)"
_COMPLAINS = "raise SystemExit('no bf16 here')"


@pytest.mark.parametrize(("code", "died"), [(_CRASHES, True), (_COMPLAINS, False)])
def test_a_crash_is_told_from_a_complaint(
    model: SealedModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, died: bool
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}"\n')
    python.chmod(0o755)
    monkeypatch.setattr(choosing.sys, "executable", str(python))
    monkeypatch.setattr("googlenet.export.opening.find_spec", lambda name: True)
    if not died:
        assert name_engine(model, "openvino") == ("openvino", "fp32")
        return
    for _ in range(2):  # what crashed is not remembered: another driver or less load may cure it
        with pytest.raises(SettingsError, match=r"--engine is openvino, whose process ended with -11 .*onnxruntime"):
            name_engine(model, "openvino")


def test_an_engine_that_survives_is_tried_once(model: SealedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Path] = []
    monkeypatch.setattr(choosing, "run_trial", lambda path, pair: tried.append(path) or _answer(1))
    for _ in range(2):
        check_survives(model, ("openvino", "fp32"))
    assert len(tried) == 1
    check_survives(replace(model, path=None), ("openvino", "fp32"))
    assert len(tried) == 1
