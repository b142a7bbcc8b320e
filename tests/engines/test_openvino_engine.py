"""OpenVINO gives the default engine's answers, in the precision that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from googlenet.engines import open_engine
from googlenet.errors import SettingsError
from googlenet.weights.model_file import SealedModel

openvino = pytest.importorskip("openvino", reason="OpenVINO is not installed")


def _images(batch: int, size: int = 64) -> np.ndarray:
    return np.random.default_rng(7).standard_normal((batch, 3, size, size)).astype(np.float32)


def test_it_answers_as_the_default_engine(tiny_model: SealedModel) -> None:
    ours, theirs = open_engine(tiny_model, "openvino", threads=1), open_engine(tiny_model)
    for images in (_images(3), _images(1), _images(2, 80)):
        np.testing.assert_allclose(ours.logits(images), theirs.logits(images), rtol=1e-4, atol=1e-4)
    names = ["inception_3a/output", "pool5/7x7_s1"]
    expected = theirs.activations(images, names)
    for name, value in ours.activations(images, names).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-3, atol=1e-3)


def test_an_answer_is_not_overwritten_by_the_next(tiny_model: SealedModel) -> None:
    engine = open_engine(tiny_model, "openvino")
    first = engine.logits(_images(2))
    kept = first.copy()
    engine.logits(_images(2) * 2)
    assert np.array_equal(first, kept)


def test_bf16_is_another_precision_or_refused(tiny_model: SealedModel) -> None:
    images, exact = _images(4), open_engine(tiny_model, "openvino").logits(_images(4))
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        with pytest.raises(SettingsError, match="does not have"):
            open_engine(tiny_model, "openvino", precision="bf16")
        return
    found = open_engine(tiny_model, "openvino", precision="bf16").logits(images)
    assert 1e-5 < np.abs(found - exact).max() / np.abs(exact).max() < 0.05


def test_a_precision_that_an_engine_has_not_is_refused(tiny_model: SealedModel) -> None:
    with pytest.raises(SettingsError, match="onnxruntime computes in fp32"):
        open_engine(tiny_model, "onnxruntime", precision="bf16")
    with pytest.raises(SettingsError, match="threads is 0"):
        open_engine(tiny_model, "openvino", threads=0)
