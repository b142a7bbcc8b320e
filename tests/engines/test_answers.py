"""Whatever computes: an answer that is no number is refused, with the file that gives it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from googlenet.weights.model_file import SealedModel

# In a process of its own: TensorFlow and a training in PyTorch do not live in one.
SCRIPT = """
import pathlib, sys
import numpy as np
from googlenet.engines import open_engine
from googlenet.errors import ModelFileError
from googlenet.weights.model_file import read_model

engine = open_engine(read_model(pathlib.Path(sys.argv[1])), sys.argv[2])
images = 1000 * np.random.default_rng(7).standard_normal((1, 3, 64, 64)).astype(np.float32)
try:
    engine.logits(images)
except ModelFileError as error:
    print(error)
"""


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "torch", "tensorflow"])
def test_logits_that_are_no_numbers_name_the_file(engine: str, tiny_model: SealedModel, tmp_path: Path) -> None:
    if find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")
    tensors = {name: np.array(tensor) for name, tensor in tiny_model.tensors.items()}
    tensors["loss3/classifier/weight"][:] = np.finfo(np.float32).max  # finite, but not what comes of it
    replace(tiny_model, tensors=tensors).save(tmp_path / "wild.safetensors")
    command = [sys.executable, "-c", SCRIPT, tmp_path / "wild.safetensors", engine]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "wild.safetensors: loss3/classifier is not a finite number" in done.stdout
