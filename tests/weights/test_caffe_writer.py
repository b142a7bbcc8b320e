"""A written .caffemodel against the file that it came from, and against OpenCV's reader."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from googlenet.engines import open_engine
from googlenet.layers import AdaptiveAvgPool, Concat, Conv, Dropout, Layer, Linear, LocalResponseNorm, MaxPool
from googlenet.spec import Spec
from googlenet.weights.caffe import read_caffemodel
from googlenet.weights.convert import convert, export_weights


def _prototxt(spec: Spec) -> str:
    """The network for Caffe's reader, written from the definition of each layer in caffe.proto."""
    parts = ['name: "GoogleNet" input: "data" input_dim: 1 input_dim: 3 input_dim: 224 input_dim: 224']
    for layer in spec.layers:
        bottoms = " ".join(f'bottom: "{name}"' for name in layer.inputs)
        kind, parameters, relu = _definition(layer)
        parts.append(f'layer {{ name: "{layer.name}" type: "{kind}" {bottoms} top: "{layer.name}" {parameters} }}')
        if relu:
            parts.append(
                f'layer {{ name: "{layer.name}/relu" type: "ReLU" bottom: "{layer.name}" top: "{layer.name}" }}'
            )
    return "\n".join(parts)


def _definition(layer: Layer) -> tuple[str, str, bool]:
    match layer:
        case Conv():
            pad = layer.kernel // 2
            sizes = f"num_output: {layer.out_channels} kernel_size: {layer.kernel} stride: {layer.stride} pad: {pad}"
            return "Convolution", f"convolution_param {{ {sizes} }}", True
        case Linear():
            return "InnerProduct", f"inner_product_param {{ num_output: {layer.out_features} }}", False
        case MaxPool():
            pad = layer.kernel // 2 if layer.padding == "half" else 0
            sizes = f"pool: MAX kernel_size: {layer.kernel} stride: {layer.stride} pad: {pad}"
            return "Pooling", f"pooling_param {{ {sizes} }}", False
        case AdaptiveAvgPool():
            return "Pooling", "pooling_param { pool: AVE kernel_size: 7 stride: 1 }", False
        case LocalResponseNorm():
            return "LRN", f"lrn_param {{ local_size: {layer.size} alpha: {layer.alpha} beta: {layer.beta} }}", False
        case Dropout():
            return "Dropout", "", False
        case Concat():
            return "Concat", "", False
    raise TypeError(layer)


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    return shared / "weights/bvlc_googlenet.caffemodel"


def test_what_is_written_is_what_was_read(source: Path, tmp_path: Path) -> None:
    model = convert(source).model
    export_weights(model, tmp_path / "back.caffemodel")
    back = read_caffemodel(tmp_path / "back.caffemodel")
    assert all(np.array_equal(back[name], model.tensors[name]) for name in model.tensors)


def test_opencv_reads_both_and_agrees_layer_by_layer(source: Path, tmp_path: Path) -> None:
    model = convert(source).model
    export_weights(model, tmp_path / "back.caffemodel")
    text = _prototxt(model.spec).encode()
    images = np.random.default_rng(0).integers(-120, 130, (1, 3, 224, 224)).astype(np.float32)
    names = [layer.name for layer in model.spec.layers if not isinstance(layer, Dropout)]
    found = open_engine(model).activations(images, names)
    logits = []
    for path in (source, tmp_path / "back.caffemodel"):
        net = cv2.dnn.readNetFromCaffe(np.frombuffer(text, np.uint8), np.frombuffer(path.read_bytes(), np.uint8))
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        net.setInput(images)
        logits.append(net.forward("loss3/classifier"))
    assert np.array_equal(*logits)
    # In Caffe the ReLU works in place; OpenCV keeps the convolution's own output under the layer's name.
    tops = [f"{name}/relu" if isinstance(model.spec.layer(name), Conv) else name for name in names]
    net.enableFusion(False)
    for name, expected in zip(names, net.forward(tops), strict=True):
        difference = np.abs(found[name] - expected.reshape(found[name].shape)).max()
        assert difference <= 1e-3 * np.abs(expected).max(), name
