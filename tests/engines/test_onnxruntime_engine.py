"""The default engine: the model's numbers, whatever the batch and the threads; one line for what cannot be."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from googlenet.engines import open_engine
from googlenet.errors import SettingsError, SpecError
from googlenet.variants import paper
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors


def _images(batch: int, size: int = 64) -> np.ndarray:
    return np.random.default_rng(7).standard_normal((batch, 3, size, size)).astype(np.float32)


def test_a_batch_gives_what_its_images_give_alone(tiny_model: SealedModel) -> None:
    engine, images = open_engine(tiny_model), _images(5)
    alone = np.concatenate([engine.logits(image[None]) for image in images])
    assert alone.shape == (5, 3)
    assert alone.dtype == np.float32
    np.testing.assert_allclose(engine.logits(images), alone, rtol=1e-5, atol=1e-6)


def test_threads_change_nothing(tiny_model: SealedModel) -> None:
    images = _images(4)
    found = [open_engine(tiny_model, threads=threads).logits(images) for threads in (1, 2)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_activations_come_by_name(tiny_model: SealedModel) -> None:
    engine, images = open_engine(tiny_model), _images(2, 80)
    names = ["inception_3a/output", "pool5/7x7_s1", "pool5/drop_7x7_s1", "loss3/classifier"]
    found = engine.activations(images, names)
    shapes = tiny_model.spec.shapes(80)
    assert list(found) == names
    assert found["inception_3a/output"].shape == (2, *shapes["inception_3a/output"])
    assert np.array_equal(found["pool5/7x7_s1"], found["pool5/drop_7x7_s1"])
    np.testing.assert_allclose(found["loss3/classifier"], engine.logits(images), rtol=1e-5, atol=1e-6)


def test_heads_of_the_paper_need_224_pixels_the_rest_does_not(tiny_model: SealedModel) -> None:
    spec = paper(3).scaled(1 / 16)
    engine = open_engine(replace(tiny_model, spec=spec, tensors=random_tensors(spec)))
    assert engine.logits(_images(1, 96)).shape == (1, 3)
    assert engine.activations(_images(1, 224), ["loss1/classifier"])["loss1/classifier"].shape == (1, 3)
    with pytest.raises(SpecError, match="auxiliary heads need 224 px"):
        engine.activations(_images(1, 96), ["loss1/classifier"])


def test_images_too_small_are_refused(tiny_model: SealedModel) -> None:
    spec = replace(tiny_model.spec, pool_padding="valid")
    with pytest.raises(SpecError, match="the input is too small"):
        open_engine(replace(tiny_model, spec=spec)).logits(_images(1, 16))


def test_an_unknown_engine_and_no_threads_are_refused(tiny_model: SealedModel) -> None:
    with pytest.raises(SettingsError, match="engine is 'abacus'; known are: onnxruntime"):
        open_engine(tiny_model, "abacus")
    with pytest.raises(SettingsError, match="threads is 0"):
        open_engine(tiny_model, threads=0)


def test_neither_torch_nor_onnx_is_imported(tiny_model: SealedModel, tmp_path: Path) -> None:
    tiny_model.save(tmp_path / "tiny.safetensors")
    script = (
        "import sys, pathlib, numpy as np\n"
        "from googlenet.engines import open_engine\n"
        "from googlenet.weights.model_file import read_model\n"
        "engine = open_engine(read_model(pathlib.Path(sys.argv[1])))\n"
        "engine.logits(np.zeros((1, 3, 64, 64), np.float32))\n"
        "print(sorted({'torch', 'onnx', 'tensorflow', 'matplotlib'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "tiny.safetensors")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
