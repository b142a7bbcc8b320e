"""What was written is read back: the same passes, whatever differs is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from googlenet.data.preprocess import Preprocessing
from googlenet.engines.agreement import check_written
from googlenet.errors import ModelFileError
from googlenet.spec import Spec
from googlenet.variants import paper, tutorial
from googlenet.weights.convert import export_weights
from googlenet.weights.labels import numbered
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors

WRITTEN = {".caffemodel": paper(3), ".pth": tutorial(3), ".onnx": paper(3)}


def _model(spec: Spec) -> SealedModel:
    return SealedModel(spec, numbered(3), Preprocessing(resize_size=224), random_tensors(spec), {})


@pytest.mark.parametrize("ending", WRITTEN)
def test_what_was_written_reads_back(tmp_path: Path, ending: str) -> None:
    model, path = _model(WRITTEN[ending].without_heads()), tmp_path / f"m{ending}"
    export_weights(model, path)
    words = check_written(model, path)
    assert words.startswith("run beside the model" if ending == ".onnx" else "read back: all 116 tensors")


@pytest.mark.parametrize("ending", WRITTEN)
def test_other_weights_are_found(tmp_path: Path, ending: str) -> None:
    model, path = _model(WRITTEN[ending].without_heads()), tmp_path / f"m{ending}"
    name = "inception_4b/5x5/weight"
    tensors = dict(model.tensors)
    tensors[name] = tensors[name] * np.float32(1.5 if ending == ".onnx" else 1 + 1e-6)
    export_weights(replace(model, tensors=tensors), path)
    with pytest.raises(
        ModelFileError, match="logits differ by" if ending == ".onnx" else f"another {name}; do not use"
    ):
        check_written(model, path)
