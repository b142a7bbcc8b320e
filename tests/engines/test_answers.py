"""Whatever computes: an answer that is no number is refused, with the file that gives it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from googlenet.engines import open_engine
from googlenet.errors import ModelFileError
from googlenet.weights.model_file import SealedModel, read_model


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "torch", "tensorflow"])
def test_logits_that_are_no_numbers_name_the_file(engine: str, tiny_model: SealedModel, tmp_path: Path) -> None:
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    tensors = {name: np.array(tensor) for name, tensor in tiny_model.tensors.items()}
    tensors["loss3/classifier/weight"][:] = np.finfo(np.float32).max  # finite, but not what comes of it
    replace(tiny_model, tensors=tensors).save(tmp_path / "wild.safetensors")
    opened = open_engine(read_model(tmp_path / "wild.safetensors"), engine)
    images = 1000 * np.random.default_rng(7).standard_normal((1, 3, 64, 64)).astype(np.float32)
    with pytest.raises(ModelFileError, match=r"wild\.safetensors: loss3/classifier is not a finite number"):
        opened.logits(images)
