"""ONNX files that must not be opened: each is refused for its own reason, before any runtime sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from googlenet.errors import ModelFileError
from googlenet.export import onnx_check
from googlenet.export.onnx_check import check_onnx
from googlenet.network.onnx_net import build_onnx
from googlenet.weights.model_file import SealedModel


@pytest.fixture
def graph(tiny_model: SealedModel) -> onnx.ModelProto:
    return build_onnx(tiny_model.spec, tiny_model.tensors)


def _refused(graph: onnx.ModelProto, path: Path, match: str) -> None:
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(ModelFileError, match=match):
        check_onnx(path)


def test_our_own_graph_passes(graph: onnx.ModelProto, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(graph.SerializeToString())
    assert check_onnx(tmp_path / "m.onnx") == graph.SerializeToString()


@pytest.mark.parametrize(
    ("place", "why"), [("weights.bin", "beside itself"), ("../../etc/passwd", "never opened"), ("/etc/passwd", "never")]
)
def test_weights_in_other_files(graph: onnx.ModelProto, tmp_path: Path, place: str, why: str) -> None:
    tensor = graph.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)
    _refused(graph, tmp_path / "m.onnx", why)


def test_weights_in_other_files_deep_inside(graph: onnx.ModelProto, tmp_path: Path) -> None:
    tensor = onnx.numpy_helper.from_array(np.zeros(3, np.float32), "t")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../x")
    inner = helper.make_graph([helper.make_node("Constant", [], ["c"], value=tensor)], "inner", [], [])
    graph.graph.node.append(helper.make_node("If", ["logits"], ["y"], then_branch=inner, else_branch=inner))
    _refused(graph, tmp_path / "m.onnx", "never opened")


def test_custom_operators_and_functions(graph: onnx.ModelProto, tmp_path: Path) -> None:
    graph.graph.node.append(helper.make_node("Run", ["logits"], ["y"], domain="evil.ops"))
    _refused(graph, tmp_path / "m.onnx", r"custom operator evil\.ops::Run")
    del graph.graph.node[-1]
    graph.functions.add(name="f", domain="d")
    _refused(graph, tmp_path / "f.onnx", "functions of its own")


def test_damaged_and_large(graph: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.onnx"
    for content, match in (
        (graph.SerializeToString()[:-9], "no whole ONNX"),
        (b"", "no graph"),
        (b"\xff" * 90, "no whole"),
    ):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=match):
            check_onnx(path)
    monkeypatch.setattr(onnx_check, "MAX_BYTES", 50)
    with pytest.raises(ModelFileError, match="no GoogLeNet is as large"):
        check_onnx(path)
