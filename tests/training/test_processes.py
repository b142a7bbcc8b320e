"""torchrun's processes train as one; a killed one comes back; one of them writes, and an error is said once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from googlenet.cli import main
from googlenet.training.run import MODEL_FILE
from googlenet.weights.model_file import read_model
from tests.training import learner_steps, train_small

ROOT = Path(__file__).parents[2]
STEPS = 4
OPTIONS = ["--recipe", "scratch", "--image-size", "64", "--batch-size", "8", "--epochs", "2"]


def _start(script: Any, *words: object, processes: int = 0, restarts: int = 0, **said: str) -> subprocess.Popen[str]:
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    launcher = [*torchrun, f"--max-restarts={restarts}"] if processes else []
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""} | said
    return subprocess.Popen(
        [sys.executable, *launcher, script.__file__, *map(str, words)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(process: subprocess.Popen[str], code: int = 0) -> str:
    _, errors = process.communicate(timeout=200)
    assert process.returncode == code, errors[-5000:]
    return errors


def test_two_processes_train_as_one_of_twice_the_batch(tmp_path: Path) -> None:
    words = ["torch", "class weights", STEPS]
    one = _start(learner_steps, *words, tmp_path / "one.npz")
    two = _start(learner_steps, *words, tmp_path / "two-RANK.npz", processes=2)
    _end(one)
    _end(two)
    expected = np.load(tmp_path / "one.npz")
    for rank in range(2):
        found = np.load(tmp_path / f"two-{rank}.npz")
        for ours, theirs in zip(*(json.loads(str(file["figures"])) for file in (found, expected)), strict=True):
            assert ours == pytest.approx(theirs, rel=1e-5)
        for name in set(expected.files) - {"figures", "device"}:
            np.testing.assert_allclose(found[name], expected[name], atol=1e-5 * np.abs(expected[name]).max())


def test_a_killed_process_comes_back(colour_folder: Callable[..., Path], tmp_path: Path) -> None:
    data = colour_folder(per_class=10)
    whole = _start(train_small, "train", data, "--out", tmp_path / "whole", *OPTIONS, processes=2)
    words = ["train", data, "--out", tmp_path / "killed", *OPTIONS]
    killed = _start(train_small, *words, processes=2, restarts=1, KILL_AT="4")
    _end(whole)
    errors = _end(killed)
    assert "exitcode: -9" in errors
    assert errors.count("resumed after 24 samples") == 1
    expected = read_model(tmp_path / "whole" / MODEL_FILE).tensors
    for name, tensor in read_model(tmp_path / "killed" / MODEL_FILE).tensors.items():
        np.testing.assert_array_equal(tensor, expected[name], err_msg=name)
    said = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert sum("val/top1" in line for line in said) == 2  # each epoch once


def test_an_error_is_said_once(colour_folder: Callable[..., Path], tmp_path: Path) -> None:
    data = colour_folder(per_class=10)
    words = ["train", data, "--out"]
    odd = _start(train_small, *words, tmp_path / "odd", "--batch-size", 7, processes=2, LATE="3")
    one = _start(train_small, *words, tmp_path / "one", *OPTIONS, processes=2, ERROR_AT="2")
    for process, message in ((odd, "error: --batch-size is 7"), (one, "error: the second process cannot go on")):
        errors = _end(process, code=1)  # torchrun's own; that of ours stands in its table
        ours = [line for line in errors.splitlines() if line.startswith("error: ")]
        assert len(ours) == 1
        assert ours[0].startswith(message)
        assert "exitcode  : 2" in errors
    assert not (tmp_path / "odd").exists()


def test_an_error_is_said_where_others_than_torchrun_set_the_rank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(sys, "argv", ["googlenet", "train", str(tmp_path / "nothing"), "--out", str(tmp_path / "run")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--time", "10m", "--time is for one process; under torchrun give --epochs"),
        ("--doctor", "fix", "--doctor is fix for 2 processes, which cannot begin again together; give watch"),
        ("--framework", "tensorflow", "--framework is tensorflow under torchrun"),
        ("--batch-size", "3", "give a multiple of 2"),
        ("--batch-size", "2", "each needs two images, give 4"),
    ],
)
def test_what_is_not_for_several_processes_is_refused_before_they_meet(
    option: str,
    value: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = {"TORCHELASTIC_RUN_ID": "x", "RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2"}
    for name, number in found.items():
        monkeypatch.setenv(name, number)
    words = ["train", str(tmp_path / "photographs"), "--out", str(tmp_path / "run"), option, value]
    monkeypatch.setattr(sys, "argv", ["googlenet", *words])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
