"""ONNX graphs of a GoogLeNet from two exporters, read by structure, and answered the same."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from googlenet.cli import main
from googlenet.engines.agreement import check_against_onnx
from googlenet.errors import ModelFileError
from googlenet.network.onnx_net import onnx_bytes
from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import Spec
from googlenet.variants import paper, variant
from googlenet.weights.convert import CAFFE_PREPROCESSING, convert, export_weights
from googlenet.weights.labels import numbered
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors
from tests.weights.test_torch_checkpoint import _torchvision

NAMES = ["paper", "batch_norm", "torchvision", "slim", "tutorial"]


def _rename(content: bytes) -> bytes:
    """The same graph with names that tell nothing."""
    model = onnx.load_model_from_string(content)
    names: dict[str, str] = {}

    def other(name: str) -> str:
        return name and names.setdefault(name, f"v{len(names)}")

    for node in model.graph.node:
        node.name = ""
        for values in (node.input, node.output):
            values[:] = [other(value) for value in values]
    for part in (model.graph.initializer, model.graph.input, model.graph.output):
        for entry in part:
            entry.name = other(entry.name)
    del model.graph.value_info[:]
    return model.SerializeToString()


def _exported(net: nn.Module) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net.eval(), (torch.zeros(1, 3, 224, 224),), buffer, dynamo=False, opset_version=18)
    return buffer.getvalue()


class _Main(nn.Module):
    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.net = GoogLeNet(spec)
        self.net.load_canonical(random_tensors(spec))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        main: torch.Tensor = self.net(x).main
        return main


@pytest.mark.parametrize("name", NAMES)
def test_our_own_graphs_without_their_names(tmp_path: Path, name: str) -> None:
    spec = variant(name, 7, aux_heads=False)
    path = tmp_path / "net.onnx"
    path.write_bytes(_rename(onnx_bytes(spec, random_tensors(spec))))
    model = convert(path).model
    assert model.spec.kernel5x5 == spec.kernel5x5
    assert (model.spec.lrn is None) == (spec.lrn is None)
    assert check_against_onnx(model, path) < 1e-4


@pytest.mark.parametrize("kept", [True, False], ids=["batch norm kept", "batch norm folded"])
def test_torch_s_export_of_torchvision_s_model(tmp_path: Path, kept: bool) -> None:
    path = tmp_path / "net.onnx"
    net = _torchvision(aux_logits=False)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mode = torch.onnx.TrainingMode.PRESERVE if kept else torch.onnx.TrainingMode.EVAL
        torch.onnx.export(
            net.eval(), (torch.zeros(1, 3, 224, 224),), buffer, dynamo=False, opset_version=18, training=mode
        )
    path.write_bytes(buffer.getvalue())
    model = convert(path).model
    assert (model.spec.variant, model.spec.pool4_kernel) == ("torchvision", 2)
    assert (model.spec.batch_norm is not None) == kept
    assert check_against_onnx(model, path) < 1e-4


def test_torch_s_export_of_the_tutorial_s_network(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(_exported(_Main(variant("tutorial", 5, aux_heads=False))))
    model = convert(path).model
    assert model.spec == variant("tutorial", 5, aux_heads=False)
    assert check_against_onnx(model, path) < 1e-4


def test_the_command_says_that_it_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = variant("tutorial", 5, aux_heads=False)
    path = tmp_path / "net.onnx"
    path.write_bytes(onnx_bytes(spec, random_tensors(spec)))
    words = ["googlenet", "convert", str(path), str(tmp_path / "out.safetensors"), "--json"]
    monkeypatch.setattr("sys.argv", words)
    main()
    out = capsys.readouterr()
    assert json.loads(out.out)["variant"] == "tutorial"
    assert "verified: logits differ by" in out.err


def test_a_hidden_difference_is_found_by_running_both(tmp_path: Path) -> None:
    spec = variant("tutorial", 5, aux_heads=False)
    model = onnx.load_model_from_string(onnx_bytes(spec, random_tensors(spec)))
    relu = [node for node in model.graph.node if node.op_type == "Relu"][20]
    relu.op_type = "Identity"
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match="logits differ by"):
        check_against_onnx(convert(path).model, path)


def test_other_graphs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[1, 1])
    weight = onnx.numpy_helper.from_array(np.zeros((8, 3, 1, 1), np.float32), "w")
    value = [onnx.helper.make_tensor_value_info(name, 1, None) for name in "xy"]
    graph = onnx.helper.make_graph([node], "g", value[:1], value[1:], [weight])
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    with pytest.raises(ModelFileError, match=r"net\.onnx.*concatenations of 4 branches"):
        convert(path)


def test_weights_in_other_files_are_refused(tmp_path: Path) -> None:
    spec = variant("tutorial", 5, aux_heads=False).scaled(1 / 8)
    model = onnx.load_model_from_string(onnx_bytes(spec, random_tensors(spec)))
    path = tmp_path / "net.onnx"
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match="keeps its weights in other files"):
        convert(path)


def test_the_way_back_through_convert(tmp_path: Path) -> None:
    spec = paper(5)
    tensors = random_tensors(spec)
    model = SealedModel(spec, numbered(5), CAFFE_PREPROCESSING, tensors, {})
    export_weights(model, tmp_path / "out.onnx")
    back = convert(tmp_path / "out.onnx").model
    assert all(np.array_equal(back.tensors[name], tensors[name]) for name in back.spec.tensors)
