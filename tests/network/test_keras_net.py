"""The Keras network beside PyTorch's: every variant, every layer, three input sizes; files of it; what it imports.

TensorFlow has processes of its own: one that answers for all the networks, one per question of imports.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from googlenet.data.preprocess import Preprocessing
from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import Spec
from googlenet.variants import VARIANTS, variant
from googlenet.weights.labels import numbered
from googlenet.weights.model_file import SealedModel, read_model
from tests.conftest import random_tensors

pytestmark = pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")

SIZES = (224, 128, 179)
_ANSWER = """
import json, sys
from pathlib import Path
import numpy as np
from googlenet.network.keras_net import activation_model, build, canonical, load_canonical
from googlenet.weights.model_file import read_model

folder = Path(sys.argv[1])
for case in json.loads((folder / "cases.json").read_text()):
    model = read_model(folder / f"{case}.safetensors")
    images = np.load(folder / f"{case}.npy").transpose(0, 2, 3, 1)
    net = build(model.spec, input_size=images.shape[1])
    load_canonical(net, model.spec, model.tensors)
    back = canonical(net, model.spec)
    assert all(np.array_equal(back[name], model.tensors[name]) for name in model.spec.tensors)
    names = [layer.name for layer in model.spec.layers]
    found = activation_model(net, names)(images, training=False)  # at once: to compile each takes longer than all
    np.savez(folder / f"{case}.npz", **{name.replace("/", "."): np.asarray(value) for name, value in found.items()})
    assert set(net(images, training=False)) == set(model.spec.outputs)
assert "torch" not in sys.modules
"""


def _spec(name: str, size: int) -> Spec:
    spec = variant(name, 7).scaled(1 / 8)
    return spec if size == 224 or spec.aux.adaptive else spec.without_heads()


def _run(script: str, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of every variant at every size: the model, the images, and what Keras makes of them."""
    folder = tmp_path_factory.mktemp("keras")
    cases = []
    for name in VARIANTS:
        for size in SIZES:
            spec = _spec(name, size)
            model = SealedModel(spec, numbered(7), Preprocessing(), random_tensors(spec, seed=size), {})
            model.save(folder / f"{name}-{size}.safetensors")
            images = np.random.default_rng(size).standard_normal((2, 3, size, size)).astype(np.float32)
            np.save(folder / f"{name}-{size}.npy", images)
            cases.append(f"{name}-{size}")
    (folder / "cases.json").write_text(json.dumps(cases))
    result = _run(_ANSWER, folder)
    assert result.returncode == 0, result.stderr[-3000:]
    return folder


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_layer_is_pytorch_s(answered: Path, name: str, size: int) -> None:
    model = read_model(answered / f"{name}-{size}.safetensors")
    net = GoogLeNet(model.spec).eval()
    net.load_canonical(model.tensors)
    with torch.no_grad():
        images = torch.from_numpy(np.load(answered / f"{name}-{size}.npy"))
        expected = net.activations(images, [layer.name for layer in model.spec.layers])
    found = np.load(answered / f"{name}-{size}.npz")
    for layer, value in expected.items():
        ours = found[layer.replace("/", ".")]
        ours = ours.transpose(0, 3, 1, 2) if ours.ndim == 4 else ours
        theirs = value.numpy()
        assert np.abs(ours.reshape(theirs.shape) - theirs).max() <= 1e-4 * max(np.abs(theirs).max(), 1e-6), layer


_ROUND_TRIP = """
import sys
from pathlib import Path
import numpy as np, keras
import googlenet
from googlenet.network.keras_net import canonical
from googlenet.weights.model_file import read_model
folder = sys.argv[1]
for path in sorted(Path(folder).glob("*-179.safetensors")):
    model = read_model(path)
    googlenet.keras(weights=str(path), input_size=179).save(f"{folder}/one.keras")
    again = keras.models.load_model(f"{folder}/one.keras")
    assert again.spec == model.spec, path
    back = canonical(again, again.spec)
    assert all(np.array_equal(back[name], tensor) for name, tensor in model.tensors.items()), path
    print(model.spec.variant)
net = googlenet.keras(weights=f"{folder}/batch_norm-224.safetensors")
net.save(f"{folder}/saved.keras")
again = keras.models.load_model(f"{folder}/saved.keras")
images = np.load(f"{folder}/batch_norm-224.npy").transpose(0, 2, 3, 1)
for head, value in net.predict_on_batch(images).items():
    assert np.array_equal(value, again.predict_on_batch(images)[head]), head
"""


def test_a_keras_file_round_trips(answered: Path) -> None:
    result = _run(_ROUND_TRIP, answered)
    assert result.returncode == 0, result.stderr[-3000:]
    assert set(result.stdout.split()) == set(VARIANTS)
    convert = [sys.executable, "-m", "googlenet", "convert"]
    for source, target in (("batch_norm-224.safetensors", "sealed.keras"), ("sealed.keras", "back.safetensors")):
        subprocess.run([*convert, str(answered / source), str(answered / target)], check=True, capture_output=True)
    there, back = read_model(answered / "batch_norm-224.safetensors"), read_model(answered / "back.safetensors")
    assert (back.spec, back.classes, back.preprocessing) == (there.spec, there.classes, there.preprocessing)
    assert all(np.array_equal(back.tensors[name], there.tensors[name]) for name in there.tensors)


_LAMBDA = """
import sys, keras
inputs = keras.Input((4,))
keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs)).save(sys.argv[1])
"""


def test_a_keras_file_with_code_is_refused(tmp_path: Path) -> None:
    assert _run(_LAMBDA, tmp_path / "lambda.keras").returncode == 0
    command = [
        sys.executable,
        "-m",
        "googlenet",
        "convert",
        str(tmp_path / "lambda.keras"),
        str(tmp_path / "m.safetensors"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "Lambda" in result.stderr
    assert "runs code from the file" in result.stderr


_ENGINE = """
import sys
import numpy as np
from pathlib import Path
from googlenet.engines import open_engine
from googlenet.weights.model_file import read_model
folder, name, other = sys.argv[1:]
model = read_model(Path(folder) / "paper-128.safetensors")
np.save(f"{folder}/{name}.npy", open_engine(model, name).logits(np.load(f"{folder}/paper-128.npy")))
assert other not in sys.modules, other
"""


@pytest.mark.parametrize(("name", "other"), [("tensorflow", "torch"), ("torch", "tensorflow"), ("torch", "keras")])
def test_an_engine_imports_its_own_framework_alone_and_answers_alike(answered: Path, name: str, other: str) -> None:
    from googlenet.engines import open_engine

    result = _run(_ENGINE, answered, name, other)
    assert result.returncode == 0, result.stderr[-3000:]
    model = read_model(answered / "paper-128.safetensors")
    expected = open_engine(model).logits(np.load(answered / "paper-128.npy"))
    found = np.load(answered / f"{name}.npy")
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


_JAX = """
import os, sys
os.environ["KERAS_BACKEND"] = "jax"
import numpy as np
import googlenet
net = googlenet.keras(weights=sys.argv[1], input_size=128)
np.save(sys.argv[3], net.predict_on_batch(np.load(sys.argv[2]).transpose(0, 2, 3, 1))["main"])
assert "torch" not in sys.modules
"""


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_jax_answers_the_same(answered: Path, tmp_path: Path) -> None:
    case = answered / "paper-128"
    result = _run(_JAX, f"{case}.safetensors", f"{case}.npy", tmp_path / "jax.npy")
    assert result.returncode == 0, result.stderr[-3000:]
    expected, found = np.load(f"{case}.npz")["loss3.classifier"], np.load(tmp_path / "jax.npy")
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
