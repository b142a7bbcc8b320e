"""TF-slim's checkpoints: written by TensorFlow under slim's names, read, and computed again in plain NumPy."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from googlenet.data.preprocess import Preprocessing
from googlenet.engines import open_engine
from googlenet.errors import ModelFileError
from googlenet.spec import TABLE_1
from googlenet.variants import paper, slim
from googlenet.weights.labels import numbered
from googlenet.weights.model_file import SealedModel, read_model
from googlenet.weights.slim import slim_name, slim_tensors
from tests.conftest import random_tensors

needs_tensorflow = pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")

# Facts of the released graph, typed here and not taken from the code: Caffe's letter -> slim's, and the one exception.
LETTERS = {"3a": "3b", "3b": "3c", "4a": "4b", "4b": "4c", "4c": "4d", "4d": "4e", "4e": "4f", "5a": "5b", "5b": "5c"}

WRITE = """
import sys, numpy as np, tensorflow as tf
tensors = dict(np.load(sys.argv[1]))
names = list(tensors)
values = [tf.constant(tensors[name]) for name in names]
if sys.argv[3] == "2":
    tf.raw_ops.SaveV2(prefix=sys.argv[2], tensor_names=names, shape_and_slices=[""] * len(names), tensors=values)
else:
    tf.raw_ops.Save(filename=sys.argv[2], tensor_names=names, data=values)
"""


def _random(classes: int = 1001) -> dict[str, np.ndarray]:
    return random_tensors(slim(classes))


def _write(folder: Path, tensors: dict[str, np.ndarray], version: int) -> Path:
    np.savez(folder / "tensors.npz", **tensors)
    prefix = folder / "inception_v1.ckpt"
    command = [sys.executable, "-c", WRITE, str(folder / "tensors.npz"), str(prefix), str(version)]
    subprocess.run(command, check=True, capture_output=True)
    return prefix


def _convert(*words: object) -> subprocess.CompletedProcess[str]:
    """In a process of its own: TensorFlow and PyTorch in one would share neither threads nor warnings."""
    command = [sys.executable, "-m", "googlenet", "convert", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_tensorflow
@pytest.mark.parametrize("version", [1, 2])
def test_a_checkpoint_of_either_version(tmp_path: Path, version: int) -> None:
    tensors = _random()
    foreign = slim_tensors(slim(), tensors) | {"global_step": np.array(7, np.int64)}
    prefix = _write(tmp_path, foreign, version)
    result = _convert(prefix, tmp_path / "out.safetensors", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["variant"] == "slim"
    assert document["tensors"]["left"] == ["global_step: no weight of the network"]
    model = read_model(tmp_path / "out.safetensors")
    assert len(model.classes) == 1001
    assert all(np.array_equal(model.tensors[name], tensors[name]) for name in tensors)


@needs_tensorflow
def test_the_way_back_loses_nothing(tmp_path: Path) -> None:
    tensors = _random(5)
    SealedModel(slim(5), numbered(5), Preprocessing(), tensors, {}).save(tmp_path / "in.safetensors")
    result = _convert(tmp_path / "in.safetensors", tmp_path / "out.ckpt")
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.ckpt.data-00000-of-00001", "out.ckpt.index"]
    assert "exists already" in _convert(tmp_path / "in.safetensors", tmp_path / "out.ckpt").stderr
    result = _convert(tmp_path / "out.ckpt", tmp_path / "back.safetensors")
    assert result.returncode == 0, result.stderr
    back = read_model(tmp_path / "back.safetensors")
    assert all(np.array_equal(back.tensors[name], tensors[name]) for name in tensors)


@needs_tensorflow
def test_damaged_and_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    foreign = slim_tensors(slim(), _random())
    missing = "InceptionV1/Mixed_4d/Branch_1/Conv2d_0b_3x3/weights"
    prefix = _write(tmp_path, {name: value for name, value in foreign.items() if name != missing}, 2)
    result = _convert(prefix, tmp_path / "out.safetensors")
    assert result.returncode == 2
    assert missing in result.stderr
    prefix = _write(tmp_path, {"resnet_v1/conv1/weights": np.zeros(3, np.float32)}, 2)
    result = _convert(prefix, tmp_path / "out.safetensors")
    assert result.returncode == 2
    assert "resnet_v1/conv1/weights" in result.stderr
    assert "Traceback" not in result.stderr


def test_names_are_slim_s() -> None:
    for ours, theirs in LETTERS.items():
        assert slim_name(f"inception_{ours}/1x1/weight") == f"InceptionV1/Mixed_{theirs}/Branch_0/Conv2d_0a_1x1/weights"
        last = "0a" if theirs == "5b" else "0b"
        expected = f"InceptionV1/Mixed_{theirs}/Branch_2/Conv2d_{last}_3x3/BatchNorm/moving_mean"
        assert slim_name(f"inception_{ours}/5x5/norm/mean") == expected
    assert slim_name("loss3/classifier/bias") == "InceptionV1/Logits/Conv2d_0c_1x1/biases"


def test_another_network_is_refused() -> None:
    spec = paper(5, aux_heads=False).scaled(1 / 16)
    with pytest.raises(ModelFileError, match="'paper' network does not fit TF-slim"):
        slim_tensors(spec, random_tensors(spec))


def _conv(x: np.ndarray, weights: np.ndarray, stride: int = 1) -> np.ndarray:
    """TensorFlow's SAME convolution of (H, W, C) by HWIO kernels."""
    kernel = weights.shape[0]
    windows = _windows(x, kernel, stride, 0.0)
    return np.tensordot(windows, weights.transpose(2, 0, 1, 3), axes=([2, 3, 4], [0, 1, 2]))


def _windows(x: np.ndarray, kernel: int, stride: int, fill: float) -> np.ndarray:
    pads = []
    for size in x.shape[:2]:
        missing = max(0, (-(-size // stride) - 1) * stride + kernel - size)
        pads.append((missing // 2, missing - missing // 2))
    padded = np.pad(x, (*pads, (0, 0)), constant_values=fill)
    return np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (0, 1))[::stride, ::stride]


def _pool(x: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    return _windows(x, kernel, stride, -np.inf).max((3, 4))


def test_the_network_equals_a_forward_pass_in_numpy() -> None:
    tensors = _random(21)
    foreign = {name: value.astype(np.float64) for name, value in slim_tensors(slim(21), tensors).items()}

    def layer(x: np.ndarray, scope: str, stride: int = 1) -> np.ndarray:
        name = f"InceptionV1/{scope}"
        x = _conv(x, foreign[f"{name}/weights"], stride)
        norm = f"{name}/BatchNorm"
        x = (x - foreign[f"{norm}/moving_mean"]) / np.sqrt(foreign[f"{norm}/moving_variance"] + 1e-3)
        return np.maximum(x + foreign[f"{norm}/beta"], 0)

    def module(x: np.ndarray, name: str) -> np.ndarray:
        last = "0a" if name == "5b" else "0b"
        scope = f"Mixed_{name}"
        branches = (
            layer(x, f"{scope}/Branch_0/Conv2d_0a_1x1"),
            layer(layer(x, f"{scope}/Branch_1/Conv2d_0a_1x1"), f"{scope}/Branch_1/Conv2d_0b_3x3"),
            layer(layer(x, f"{scope}/Branch_2/Conv2d_0a_1x1"), f"{scope}/Branch_2/Conv2d_{last}_3x3"),
            layer(_pool(x, 3, 1), f"{scope}/Branch_3/Conv2d_0b_1x1"),
        )
        return np.concatenate(branches, 2)

    image = np.random.default_rng(1).standard_normal((97, 97, 3))
    x = _pool(layer(image, "Conv2d_1a_7x7", 2), 3, 2)
    x = _pool(layer(layer(x, "Conv2d_2b_1x1"), "Conv2d_2c_3x3"), 3, 2)
    for name in LETTERS.values():
        x = module(x, name)
        x = _pool(x, 3, 2) if name == "3c" else _pool(x, 2, 2) if name == "4f" else x
    logits = _conv(x.mean((0, 1))[None, None], foreign["InceptionV1/Logits/Conv2d_0c_1x1/weights"])[0, 0]
    expected = logits + foreign["InceptionV1/Logits/Conv2d_0c_1x1/biases"]

    from googlenet.data.preprocess import Preprocessing

    model = SealedModel(slim(21), (), Preprocessing(), tensors, {})
    found = open_engine(model).logits(np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert len(TABLE_1) == len(LETTERS)
