"""TensorFlow and JAX train as PyTorch does, on one device, on two, in two processes; each without the others.

They run in processes of their own (``learner_steps.py``).
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from googlenet.data.index import read_dataset
from googlenet.engines import open_engine
from googlenet.errors import SettingsError
from googlenet.network import keras_backend
from googlenet.training.learner import find_learner
from googlenet.training.run import MODEL_FILE
from googlenet.weights.model_file import read_model
from tests.training import learner_steps

ROOT = Path(__file__).parents[2]
STEPS = 20

needs_tensorflow = pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")
needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")


def _start(script: Path | str, *words: object, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, *(["-m", script] if script == "googlenet" else [str(script)]), *map(str, words)]
    paths = {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=os.environ | paths | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _finish(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        _, errors = process.communicate(timeout=280)
        assert process.returncode == 0, errors[-3000:]


def _steps(framework: str, steps: int, *out: Path, **environment: str) -> subprocess.Popen[str]:
    """Start the cases that the files ``out`` are called after."""
    words = [word for path in out for word in (path.stem, steps, path)]
    return _start(Path(learner_steps.__file__), framework, *words, **environment)


def _read(path: Path) -> dict[str, Any]:
    with np.load(path) as found:
        return {name.replace("|", "/"): found[name] for name in found.files}


def _assert_twins(found: dict[str, Any], expected: dict[str, Any], tolerance: float = 1e-3) -> None:
    """Losses at each step, then weights, statistics, logits, features: relative to the largest value of each.

    A tensor that has hardly left zero counts as if its largest were 1e-3. Logits and features, through nine modules of
    weights that differ a little, may differ by five times as much.
    """
    for step, (ours, theirs) in enumerate(
        zip(json.loads(str(found["figures"])), json.loads(str(expected["figures"])), strict=True)
    ):
        for name in theirs:
            if name.startswith("loss"):
                assert abs(ours[name] - theirs[name]) <= tolerance * theirs[name], (step, name)
    for name in expected.keys() - {"figures", "device"}:
        difference = np.abs(found[name] - expected[name]).max() / max(np.abs(expected[name]).max(), 1e-3)
        allowed = 5 * tolerance if name in ("logits", "features") else tolerance
        assert difference <= allowed, (name, difference)


CASES = ("paper", "batch_norm", "adamw")


@pytest.fixture(scope="module")
def tensorflow_steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases by TensorFlow, in one process: it takes long to start."""
    folder = tmp_path_factory.mktemp("tensorflow")
    _finish(_steps("tensorflow", STEPS, *(folder / f"{case}.npz" for case in CASES)))
    return folder


@needs_tensorflow
@pytest.mark.parametrize("case", CASES)
def test_tensorflow_trains_as_pytorch_does(case: str, tensorflow_steps: Path) -> None:
    expected = learner_steps.run("torch", case, STEPS)
    _assert_twins(_read(tensorflow_steps / f"{case}.npz"), expected)
    losses = [figures["loss_main"] for figures in json.loads(expected["figures"])]
    assert len(set(losses)) == STEPS  # it moved


@needs_jax
def test_jax_trains_as_pytorch_does(tmp_path: Path) -> None:
    # XLA takes most of this time to compile; less optimisation, less time.
    out = tmp_path / "short.npz"
    _finish(_steps("jax", 3, out, XLA_FLAGS="--xla_backend_optimization_level=0"))
    _assert_twins(_read(out), learner_steps.run("torch", "short", 3))


@needs_tensorflow
def test_two_devices_and_two_processes_train_as_one(tmp_path: Path) -> None:
    with socket.socket() as first, socket.socket() as second:
        for taken in (first, second):
            taken.bind(("127.0.0.1", 0))
        workers = [f"127.0.0.1:{taken.getsockname()[1]}" for taken in (first, second)]
    tasks = [{"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}} for i in range(2)]
    names = ("devices", "worker0", "worker1")
    outs = [tmp_path / name / "short.npz" for name in names]
    settings = [{"VIRTUAL_DEVICES": "2"}, *({"TF_CONFIG": json.dumps(task)} for task in tasks)]
    for out in outs:
        out.parent.mkdir()
    _finish(*(_steps("tensorflow", 3, out, **setting) for out, setting in zip(outs, settings, strict=True)))
    one = learner_steps.run("torch", "short", 3)
    for out in outs:
        _assert_twins(_read(out), one)
    assert str(_read(outs[-1])["device"]).endswith("(worker 2 of 2)")


# The command, with a sixteenth of the width; then what was imported.
_COMMAND = """
import json, sys
from pathlib import Path
from googlenet.cli import main
from googlenet.training import run
from googlenet.variants import batch_norm

run.variant = lambda name, classes, aux_heads: batch_norm(classes, aux_heads=aux_heads).scaled(1 / 16)
imported = Path(sys.argv.pop(1))
main()
imported.write_text(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


@needs_tensorflow
@pytest.mark.parametrize(
    ("framework", "others"),
    # TensorFlow's own tf.lite imports jax where that is installed
    [("tensorflow", {"torch", "torchvision"}), ("torch", {"tensorflow", "keras", "jax"})],
)
def test_the_command_from_images_to_report_needs_one_framework(
    colour_folder: Callable[..., Path], tmp_path: Path, framework: str, others: set[str]
) -> None:
    script, imported, out = tmp_path / "command.py", tmp_path / "imported.json", tmp_path / "run"
    script.write_text(_COMMAND)
    data = colour_folder(per_class=10)
    options = ["--image-size", 64, "--batch-size", 8, "--epochs", 1, "--framework", framework, "--json"]
    process = _start(script, imported, "train", data, "--out", out, *options)
    output, errors = process.communicate(timeout=280)
    assert process.returncode == 0, errors[-3000:]
    found = json.loads(output)
    assert (found["model"], found["report"]) == (str(out / MODEL_FILE), str(out / "report.html"))
    assert "precision" in errors
    assert "0000" not in errors  # TensorFlow's greetings
    loaded = set(json.loads(imported.read_text()))
    assert framework in loaded
    assert loaded & others == set()
    model = read_model(out / MODEL_FILE)
    packages = {"tensorflow", "keras"} if framework == "tensorflow" else {"torch"}
    assert set(model.record["versions"]) == {"googlenet", "numpy", "pillow"} | packages
    assert model.record["data"]["fingerprint"] == read_dataset(data).fingerprint()
    images = np.random.default_rng(0).standard_normal((2, 3, 64, 64), np.float32)
    expected = open_engine(model, "torch").logits(images)
    np.testing.assert_allclose(open_engine(model).logits(images), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("text", ["{", '{"cluster": {}}', '{"cluster": {"worker": ["a:1"]}, "task": {"index": 3}}'])
def test_a_wrong_tf_config_says_what_is_expected(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(SettingsError, match=re.escape(f"TF_CONFIG is {text!r}; expected is")):
        find_learner("tensorflow")
    find_learner("torch")  # does not care


@pytest.mark.parametrize("members", [1, 2])
def test_a_wrong_tf_config_is_told_before_anything_else(tmp_path: Path, members: int) -> None:
    words = ["train", tmp_path / "nothing", "--out", tmp_path / "run", "--framework", "tensorflow"]
    process = _start("googlenet", *words, "--members", members, TF_CONFIG="{")
    _, errors = process.communicate(timeout=280)
    assert process.returncode == 2
    assert errors.startswith("error: TF_CONFIG is '{'; expected is")
    assert not (tmp_path / "run").exists()


def test_a_framework_missing_or_too_old_is_said_before_the_images_are_read(tmp_path: Path) -> None:
    (tmp_path / "path" / "keras-3.1.dist-info").mkdir(parents=True)
    (tmp_path / "path" / "keras-3.1.dist-info" / "METADATA").write_text("Name: keras\nVersion: 3.1\n")
    for package in ("torch", "jax"):
        (tmp_path / package).mkdir()
        (tmp_path / package / f"{package}.py").write_text(f"raise ModuleNotFoundError('absent', name={package!r})")
    update = "keras is of version 3.1, 3.14 or newer is needed; bring it with: pip install --upgrade"
    for framework, folder, message in (
        ("torch", "torch", "torch is not installed; bring it with: pip install 'googlenet[torch]'"),
        ("jax", "jax", "jax is not installed; bring it with: pip install 'googlenet[jax]'"),
        ("tensorflow", "path", f"{update} 'googlenet[tensorflow]'"),
    ):
        words = ["train", tmp_path / "nothing", "--out", tmp_path / "run", "--framework", framework]
        process = _start("googlenet", *words, PYTHONPATH=f"{tmp_path / folder}{os.pathsep}{ROOT}")
        _, errors = process.communicate(timeout=280)
        assert (process.returncode, errors) == (2, f"error: {message}\n")


def test_keras_cannot_change_its_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    class Keras:
        class backend:  # noqa: N801
            backend = staticmethod(lambda: "jax")

    monkeypatch.setitem(sys.modules, "keras", Keras())  # type: ignore[misc]
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras_backend.use_backend("jax")
    with pytest.raises(SettingsError, match="runs on jax in this process already, not on tensorflow"):
        keras_backend.use_backend("tensorflow")
