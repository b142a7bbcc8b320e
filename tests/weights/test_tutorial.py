"""The tutorial's TensorFlow models: written down here from their description, run by TensorFlow, and read back."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from googlenet.data.preprocess import Preprocessing
from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import TABLE_1
from googlenet.variants import variant
from googlenet.weights.labels import numbered
from googlenet.weights.model_file import SealedModel, read_model
from tests.conftest import random_tensors

pytestmark = pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")

# The architecture in plain TensorFlow, NHWC, SAME; the names are those that Keras 2's save_weights gave a functional
# model with custom layers: numbered by depth, attributes inside.
MODEL = """
import sys, numpy as np, tensorflow as tf
table = __TABLE__
bn = sys.argv[2] == "bn"
rng = np.random.default_rng(0)
weights, number = {}, 0

def new(name, shape, scale):
    value = (rng.standard_normal(shape) * scale).astype(np.float32)
    if name.endswith(("gamma", "variance")):
        value = 0.5 + np.abs(value)
    weights[name + "/.ATTRIBUTES/VARIABLE_VALUE"] = value
    return value

def conv(x, name, width, kernel, stride=1):
    inner = name + ("/conv" if bn else "")
    shape = (kernel, kernel, x.shape[-1], width)
    x = tf.nn.conv2d(x, new(inner + "/kernel", shape, (2 / np.prod(shape[:3])) ** .5), stride, "SAME")
    if not bn:
        return tf.nn.relu(x + new(inner + "/bias", (width,), .1))
    part = {n: new(f"{name}/bn/{n}", (width,), .3) for n in ("gamma", "beta", "moving_mean", "moving_variance")}
    moments = (part["moving_mean"], part["moving_variance"])
    return tf.nn.relu(tf.nn.batch_normalization(x, *moments, part["beta"], part["gamma"], 1e-5))

def pool(x, kernel=3, stride=2):
    return tf.nn.max_pool2d(x, kernel, stride, "SAME")

def dense(x, name, width):
    return x @ new(name + "/kernel", (x.shape[-1], width), x.shape[-1] ** -.5) + new(name + "/bias", (width,), .1)

def top():
    global number
    number += 1
    return f"layer_with_weights-{number - 1}"

def module(x, a, b, c, d, e, f):
    name, seq = top(), "layer_with_weights-"
    return tf.concat([
        conv(x, name + "/branch1", a, 1),
        conv(conv(x, f"{name}/branch2/{seq}0", b, 1), f"{name}/branch2/{seq}1", c, 3),
        conv(conv(x, f"{name}/branch3/{seq}0", d, 1), f"{name}/branch3/{seq}1", e, 3 if bn else 5),
        conv(pool(x, 3, 1), f"{name}/branch4/{seq}0", f, 1)], 3)

def head(x):
    name = top()
    x = conv(tf.nn.avg_pool2d(x, 5, 3, "VALID"), name + "/conv", 128, 1)
    x = tf.nn.relu(dense(tf.reshape(x, (x.shape[0], -1)), name + "/fc1", 1024))
    return dense(x, name + "/fc2", 5)

image = rng.standard_normal((1, 224, 224, 3)).astype(np.float32)
x = pool(conv(tf.constant(image), top(), 64, 7, 2))
x = pool(conv(conv(x, top(), 64, 1), top(), 192, 3))
heads = []
for name, widths in table:
    x = module(x, *widths)
    if name in ("4a", "4d"):
        heads.append(head(x))
    if name in ("3b", "4e"):
        x = pool(x, 2 if bn and name == "4e" else 3)
main = dense(tf.reduce_mean(x, (1, 2)), top(), 5)
weights["save_counter/.ATTRIBUTES/VARIABLE_VALUE"] = np.array(1, np.int64)
slot = "layer_with_weights-0/kernel/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE"
weights[slot] = np.zeros(3, np.float32)
names, values = list(weights), list(weights.values())
prefix, slices = sys.argv[1] + "/my.ckpt", [""] * len(names)
tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=slices, tensors=values)
np.savez(sys.argv[1] + "/expected.npz", image=image, main=main, aux1=heads[0], aux2=heads[1])
"""


@pytest.mark.parametrize("kind", ["plain", "bn"])
def test_logits_and_heads(tmp_path: Path, kind: str) -> None:
    table = [(m.name, (m.c1x1, m.reduce3x3, m.c3x3, m.reduce5x5, m.c5x5, m.pool_proj)) for m in TABLE_1]
    script = MODEL.replace("__TABLE__", repr(table))
    written = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), kind], capture_output=True, text=True, check=False
    )
    assert written.returncode == 0, written.stderr
    command = [sys.executable, "-m", "googlenet", "convert", str(tmp_path / "my.ckpt"), str(tmp_path / "m.safetensors")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "save_counter" in result.stderr
    model = read_model(tmp_path / "m.safetensors")
    assert model.spec.variant == ("tutorial_bn" if kind == "bn" else "tutorial_tf")
    net = GoogLeNet(model.spec).eval()
    net.load_canonical(model.tensors)
    assert not any(isinstance(module, nn.Dropout) and module.training for module in net.modules())
    expected = np.load(tmp_path / "expected.npz")
    with torch.no_grad():
        images = torch.from_numpy(expected["image"]).permute(0, 3, 1, 2)
        found = net.activations(images, model.spec.outputs.values())
    for head, layer in model.spec.outputs.items():
        scale = max(1.0, float(np.abs(expected[head]).max()))
        np.testing.assert_allclose(found[layer].numpy(), expected[head], rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize("name", ["tutorial_tf", "tutorial_bn"])
def test_the_way_back_loses_nothing(tmp_path: Path, name: str) -> None:
    spec = variant(name, 5)
    tensors = random_tensors(spec)
    SealedModel(spec, numbered(5), Preprocessing(), tensors, {}).save(tmp_path / "in.safetensors")
    for source, target in (("in.safetensors", "my.ckpt"), ("my.ckpt", "back.safetensors")):
        command = [sys.executable, "-m", "googlenet", "convert", str(tmp_path / source), str(tmp_path / target)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
    back = read_model(tmp_path / "back.safetensors")
    assert back.spec == spec
    assert all(np.array_equal(back.tensors[name], tensors[name]) for name in tensors)
