"""The contract of every network builder: the same shapes, parameters and logits on the same weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch

from googlenet.errors import ModelFileError, SpecError
from googlenet.layers import LocalResponseNorm
from googlenet.network.onnx_net import onnx_bytes
from googlenet.network.torch_lrn import local_response_norm
from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import LRN, Spec
from googlenet.variants import VARIANTS, variant
from tests.conftest import random_tensors


def _torch(spec: Spec, tensors: dict[str, np.ndarray]) -> GoogLeNet:
    net = GoogLeNet(spec).eval()
    net.load_canonical(tensors)
    return net


def _images(size: int, batch: int = 2) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((batch, 3, size, size)).astype(np.float32) * 50


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("size", [224, 129])
def test_onnx_equals_torch(name: str, size: int) -> None:
    spec = variant(name, 11, aux_heads=False).scaled(1 / 8)
    tensors, images = random_tensors(spec), _images(size)
    names = ["loss3/classifier", "pool5/7x7_s1", "inception_4b/output", "pool2/3x3_s2", "inception_3a/5x5"]
    session = onnxruntime.InferenceSession(onnx_bytes(spec, tensors, outputs=tuple(names)))
    with torch.no_grad():
        expected = _torch(spec, tensors).activations(torch.from_numpy(images), names)
    for layer, found in zip(names, session.run(names, {"data": images}), strict=True):
        scale = max(1.0, float(expected[layer].abs().max()))
        np.testing.assert_allclose(found, expected[layer].numpy(), atol=1e-4 * scale, rtol=1e-4)


@pytest.mark.parametrize("name", VARIANTS)
def test_heads_too(name: str) -> None:
    spec = variant(name, 5).scaled(1 / 8)
    tensors, images = random_tensors(spec), _images(224)
    heads = tuple(spec.outputs.values())
    with torch.no_grad():
        expected = _torch(spec, tensors).activations(torch.from_numpy(images), heads)
    session = onnxruntime.InferenceSession(onnx_bytes(spec, tensors, outputs=heads))
    for head, found in zip(heads, session.run(heads, {"data": images}), strict=True):
        scale = max(1.0, float(expected[head].abs().max()))
        np.testing.assert_allclose(found, expected[head].numpy(), atol=1e-4 * scale, rtol=1e-4)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_parameter_gets_a_gradient_and_shapes_are_the_spec_s(name: str) -> None:
    spec = variant(name, 5).scaled(1 / 8)
    net = GoogLeNet(spec).train()
    found = net.activations(torch.from_numpy(_images(224)))
    for layer, shape in spec.shapes().items():
        if layer != "data":
            assert tuple(found[layer].shape[1:]) == shape or found[layer].shape[1:].numel() == shape[0]
    logits = net(torch.from_numpy(_images(224)))
    sum(head.sum() for head in (logits.main, logits.aux1, logits.aux2) if head is not None).backward()
    assert sum(p.numel() for p in net.parameters() if p.requires_grad) == spec.parameter_count
    assert all(parameter.grad is not None for parameter in net.parameters() if parameter.requires_grad)


@pytest.mark.parametrize("name", VARIANTS)
def test_canonical_round_trip(name: str) -> None:
    spec = variant(name, 5).scaled(1 / 16)
    tensors = random_tensors(spec)
    back = _torch(spec, tensors).canonical()
    assert list(back) == list(spec.tensors)
    assert all(np.array_equal(back[key], tensors[key]) for key in tensors)


def test_missing_or_misshapen_weights_are_named() -> None:
    spec = variant("paper", 5, aux_heads=False).scaled(1 / 16)
    tensors = random_tensors(spec)
    with pytest.raises(ModelFileError, match="nothing for conv1/7x7_s2/bias"):
        GoogLeNet(spec).load_canonical({k: v for k, v in tensors.items() if k != "conv1/7x7_s2/bias"})
    with pytest.raises(ModelFileError, match="loss3/classifier/weight"):
        GoogLeNet(replace(spec, classes=6)).load_canonical(tensors)


def test_unknown_layer_is_refused() -> None:
    with pytest.raises(SpecError, match="no layer 'conv9'"):
        GoogLeNet(variant("paper", 5).scaled(1 / 16)).activations(torch.zeros(1, 3, 224, 224), ["conv9"])


@pytest.mark.parametrize("constants", [LRN(), LRN(size=3, alpha=0.5, beta=0.6, k=2.0)])
def test_lrn_equals_torch_s(constants: LRN) -> None:
    layer = LocalResponseNorm(name="norm", inputs=("data",), **vars(constants))
    x = (torch.randn(2, 9, 5, 4, dtype=torch.float32) * 60).requires_grad_()
    gradient = torch.randn(2, 9, 5, 4)
    found = local_response_norm(x, layer)
    found.backward(gradient)
    assert x.grad is not None
    found_gradient, x.grad = x.grad, None
    expected = torch.nn.functional.local_response_norm(
        x.double(), constants.size, constants.alpha, constants.beta, constants.k
    )
    expected.backward(gradient.double())
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found_gradient, x.grad, rtol=1e-4, atol=1e-5)


def test_caffe_s_initialisation() -> None:
    torch.manual_seed(0)
    net = GoogLeNet(variant("paper", 5))
    weight = net.layers["inception_4a/3x3"].get_parameter("weight")
    limit = (3 / (96 * 9)) ** 0.5
    assert weight.abs().max() <= limit
    assert abs(weight.std().item() - limit / 3**0.5) < 0.01 * limit
    assert (net.layers["inception_4a/3x3"].get_parameter("bias") == 0.2).all()
    assert (net.layers["loss3/classifier"].get_parameter("bias") == 0).all()
