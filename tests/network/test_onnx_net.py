"""The ONNX graph: valid by onnx's own checker, each kind of layer against NumPy, nothing in it unasked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from googlenet.errors import SpecError
from googlenet.layers import Conv, LocalResponseNorm, MaxPool, Padding, border, window_count
from googlenet.network.onnx_net import build_onnx, onnx_bytes, onnx_parts
from googlenet.spec import LRN, Spec
from googlenet.variants import VARIANTS, batch_norm, paper, variant
from tests.conftest import random_tensors


def _tiny(name: str = "paper", *, aux_heads: bool = False) -> Spec:
    return variant(name, 5, aux_heads=aux_heads).scaled(1 / 16)


def _run(content: bytes, images: np.ndarray, *names: str) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, {"data": images}), strict=True))


def _images(size: int, batch: int = 1) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((batch, 3, size, size)).astype(np.float32) * 50


@pytest.mark.parametrize("aux_heads", [True, False])
@pytest.mark.parametrize("name", VARIANTS)
def test_onnx_s_checker_passes_every_layer(name: str, aux_heads: bool) -> None:
    spec = _tiny(name, aux_heads=aux_heads and name != "slim")
    model = build_onnx(spec, random_tensors(spec), outputs=["logits", *(layer.name for layer in spec.layers)])
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 18


def test_heads_that_nobody_asked_for_are_left_out() -> None:
    spec = _tiny(aux_heads=True)
    graph = build_onnx(spec, random_tensors(spec)).graph
    assert [value.name for value in graph.output] == ["logits"]
    assert not [node.name for node in graph.node if node.name.startswith(("loss1", "loss2"))]
    assert not [tensor.name for tensor in graph.initializer if tensor.name.startswith(("loss1", "loss2"))]


def test_the_graph_holds_exactly_the_weights() -> None:
    spec = _tiny()
    tensors = random_tensors(spec)
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in build_onnx(spec, tensors).graph.initializer}
    assert set(constants) >= set(tensors)
    assert all(np.array_equal(constants[name], tensors[name]) for name in tensors)


def test_parts_give_the_same_as_the_whole() -> None:
    spec = _tiny()
    tensors, images = random_tensors(spec), _images(64)
    graph, weights = onnx_parts(spec, tensors)
    assert len(graph) < len(onnx_bytes(spec, tensors)) / 2
    options = onnxruntime.SessionOptions()
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
    options.add_external_initializers(list(weights), values)
    (found,) = onnxruntime.InferenceSession(graph, options).run(["logits"], {"data": images})
    assert np.array_equal(found, _run(onnx_bytes(spec, tensors), images, "logits")["logits"])


def test_unknown_output_is_refused_by_name() -> None:
    spec = _tiny()
    with pytest.raises(SpecError, match="no layer 'inception_9z'"):
        onnx_bytes(spec, random_tensors(spec), outputs=["inception_9z"])


def test_ceil_padding_of_a_convolution_is_refused() -> None:
    spec = replace(_tiny(), stem=replace(_tiny().stem, conv1_padding="ceil"))
    with pytest.raises(SpecError, match="conv1/7x7_s2 has padding 'ceil'"):
        onnx_bytes(spec, random_tensors(spec))


def _pooled(x: np.ndarray, layer: MaxPool) -> np.ndarray:
    """Window by window, from the definition in ``layers``."""
    height, width = x.shape[2:]
    sides = [border(size, layer.kernel, layer.stride, layer.padding) for size in (height, width)]
    padded = np.pad(x, ((0, 0), (0, 0), *sides), constant_values=-np.inf)
    counts = [window_count(size, layer.kernel, layer.stride, layer.padding) for size in (height, width)]
    out = np.empty((*x.shape[:2], *counts), np.float32)
    for i in range(counts[0]):
        for j in range(counts[1]):
            top, left = i * layer.stride, j * layer.stride
            out[:, :, i, j] = padded[:, :, top : top + layer.kernel, left : left + layer.kernel].max(axis=(2, 3))
    return out


@pytest.mark.parametrize("padding", ["ceil", "same", "half", "valid"])
@pytest.mark.parametrize("size", [64, 67, 70])
@pytest.mark.parametrize("kernel", [3, 2])
def test_max_pooling_equals_numpy(padding: Padding, size: int, kernel: int) -> None:
    spec = replace(_tiny(), pool_padding=padding, pool4_kernel=kernel)
    pool = spec.layer("pool4/3x3_s2")
    assert isinstance(pool, MaxPool)
    found = _run(
        onnx_bytes(spec, random_tensors(spec), outputs=(pool.inputs[0], pool.name)),
        _images(size, 2),
        pool.inputs[0],
        pool.name,
    )
    assert np.array_equal(found[pool.name], _pooled(found[pool.inputs[0]], pool))
    assert found[pool.name].shape[1:] == spec.shapes(size)[pool.name]


@pytest.mark.parametrize(
    "constants", [LRN(), LRN(size=3, alpha=0.5, beta=0.6, k=2.0), LRN(size=4, alpha=0.1)], ids=["caffe", "pow", "even"]
)
@pytest.mark.parametrize("operator", [False, True])
def test_lrn_equals_numpy(constants: LRN, operator: bool) -> None:
    spec = replace(_tiny(), lrn=constants)
    norm = spec.layer("conv2/norm2")
    assert isinstance(norm, LocalResponseNorm)
    names = (norm.inputs[0], norm.name)
    content = onnx_bytes(spec, random_tensors(spec), outputs=names, lrn_operator=operator)
    found = _run(content, _images(64), *names)
    assert (b"LRN" in content) == (operator and constants.size % 2 == 1)
    x = found[names[0]].astype(np.float64)
    expected = np.empty_like(x)
    for channel in range(x.shape[1]):
        near = x[:, max(0, channel - constants.size // 2) : channel + (constants.size - 1) // 2 + 1]
        scale = constants.k + constants.alpha / constants.size * (near**2).sum(axis=1)
        expected[:, channel] = x[:, channel] / scale**constants.beta
    np.testing.assert_allclose(found[names[1]], expected, rtol=1e-5)


@pytest.mark.parametrize("size", [64, 96, 224, 250])
def test_adaptive_pooling_equals_numpy_at_every_size(size: int) -> None:
    spec = batch_norm(5).scaled(1 / 16)
    names = ("inception_4a/output", "loss1/ave_pool")
    found = _run(onnx_bytes(spec, random_tensors(spec), outputs=names), _images(size), *names)
    x = found[names[0]]
    n = x.shape[2]
    for i in range(4):
        for j in range(4):
            rows, columns = (slice(k * n // 4, -(-(k + 1) * n // 4)) for k in (i, j))
            expected = x[:, :, rows, columns].mean(axis=(2, 3))
            np.testing.assert_allclose(found[names[1]][:, :, i, j], expected, rtol=1e-5, atol=1e-6)


def test_batch_norm_is_folded_exactly() -> None:
    spec = _tiny("batch_norm")
    tensors = random_tensors(spec)
    tensors["conv1/7x7_s2/norm/variance"][:] = 1e-9  # a channel that hardly fires
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in build_onnx(spec, tensors).graph.initializer}
    layer = spec.layer("conv1/7x7_s2")
    assert isinstance(layer, Conv)
    assert layer.norm is not None
    gamma, beta, mean, variance = (
        tensors[f"{layer.name}/norm/{part}"].astype(np.float64) for part in ("gamma", "beta", "mean", "variance")
    )
    factor = gamma / np.sqrt(variance + layer.norm.eps)
    weight = tensors[f"{layer.name}/weight"] * factor[:, None, None, None]
    np.testing.assert_allclose(constants[f"{layer.name}/weight"], weight, rtol=1e-6)
    np.testing.assert_allclose(constants[f"{layer.name}/bias"], beta - mean * factor, rtol=1e-6, atol=1e-6)


def test_transform_input_is_torchvision_s() -> None:
    """torchvision.models.googlenet undoes ImageNet's normalisation: x · (std / 0.5) + (mean - 0.5) / 0.5."""
    spec = replace(_tiny("batch_norm"), transform_input=True)
    images = _images(64)
    found = _run(onnx_bytes(spec, random_tensors(spec), outputs=["transform_input"]), images, "transform_input")
    mean, std = (np.array(v).reshape(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    np.testing.assert_allclose(found["transform_input"], ((images * std + mean) - 0.5) / 0.5, rtol=1e-5, atol=1e-5)


def test_opencv_agrees_on_bvlc_s_network(shared: Path) -> None:
    """OpenCV's own reader and its own arithmetic, from a network definition written from the spec."""
    from googlenet.weights.caffe import read_caffemodel

    cv2 = pytest.importorskip("cv2")
    path = shared / "weights/bvlc_googlenet.caffemodel"
    spec = paper(aux_heads=False)
    net = cv2.dnn.readNetFromCaffe(np.frombuffer(_prototxt(spec).encode(), np.uint8), np.fromfile(path, np.uint8))
    images = _images(224)
    net.setInput(images)
    expected = net.forward("loss3/classifier")
    found = _run(onnx_bytes(spec, read_caffemodel(path)), images, "logits")["logits"]
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def _prototxt(spec: Spec) -> str:
    lines = ['input: "data" input_dim: 1 input_dim: 3 input_dim: 224 input_dim: 224']
    for layer in spec.layers:
        kind, settings = _caffe_kind(layer)
        bottoms = " ".join(f'bottom: "{name}"' for name in layer.inputs)
        lines.append(f'layer {{ name: "{layer.name}" type: "{kind}" {bottoms} top: "{layer.name}" {settings} }}')
        if kind == "Convolution":
            top = f'bottom: "{layer.name}" top: "{layer.name}"'
            lines.append(f'layer {{ name: "{layer.name}/relu" type: "ReLU" {top} }}')
    return "\n".join(lines)


def _caffe_kind(layer: object) -> tuple[str, str]:
    from googlenet.layers import AdaptiveAvgPool, Concat, Dropout, Linear

    match layer:
        case Conv():
            sizes = f"kernel_size: {layer.kernel} stride: {layer.stride} pad: {layer.kernel // 2}"
            return "Convolution", f"convolution_param {{ num_output: {layer.out_channels} {sizes} }}"
        case MaxPool():
            pad = layer.kernel // 2 if layer.padding == "half" else 0
            sizes = f"kernel_size: {layer.kernel} stride: {layer.stride} pad: {pad}"
            return "Pooling", f"pooling_param {{ pool: MAX {sizes} }}"
        case AdaptiveAvgPool():
            return "Pooling", "pooling_param { pool: AVE global_pooling: true }"
        case LocalResponseNorm():
            constants = f"local_size: {layer.size} alpha: {layer.alpha} beta: {layer.beta} k: {layer.k}"
            return "LRN", f"lrn_param {{ {constants} }}"
        case Linear():
            return "InnerProduct", f"inner_product_param {{ num_output: {layer.out_features} }}"
        case Dropout():
            return "Dropout", f"dropout_param {{ dropout_ratio: {layer.rate} }}"
        case Concat():
            return "Concat", ""
    raise TypeError(layer)
