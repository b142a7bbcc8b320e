"""A step of training is the same in both frameworks where the networks differ in kind.

LRN, batch norm without gamma, SAME padding. One step only: new networks amplify rounding from step to step, which
PyTorch in float64 shows of PyTorch itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from googlenet.data.preprocess import Preprocessing
from googlenet.twins import torch_side
from googlenet.twins.compare import compare
from googlenet.twins.job import Answer, Job, images_file, read_answer, read_job, still, write_job
from googlenet.variants import variant
from googlenet.weights.labels import numbered
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors

pytestmark = pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")

CASES = ("paper", "slim", "tutorial_bn")
_ANSWER = """
import json, sys
from pathlib import Path
from googlenet.twins.job import read_job, write_answer
from googlenet.twins.tensorflow_side import answer
for name in json.loads(sys.argv[2]):
    folder = Path(sys.argv[1]) / name
    for side, found in answer(read_job(folder), lambda done, total: None).items():
        write_answer(folder, side, found)
"""


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder per case, with the job and what TensorFlow made of it."""
    root = tmp_path_factory.mktemp("twins")
    rng = np.random.default_rng(0)
    for name in CASES:
        spec = still(variant(name, 3)).scaled(1 / 8)
        model = SealedModel(spec, numbered(3), Preprocessing(), random_tensors(spec), {})
        images = 64 * rng.standard_normal((6, 3, 224, 224)).astype(np.float32)  # as Caffe's: LRN has something to do
        (root / name).mkdir()
        np.save(images_file(root / name), images)
        write_job(root / name, Job(model, images, np.arange(6) % 3, steps=1, batch_size=6, rate=1e-3))
    words = [sys.executable, "-c", _ANSWER, str(root), json.dumps(CASES)]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return root


@pytest.mark.parametrize("name", CASES)
def test_a_step_has_the_same_loss_gradient_and_statistics(answered: Path, name: str) -> None:
    job = read_job(answered / name)
    answers = torch_side.answer(job, lambda done, total: None)
    answers["tensorflow"] = read_answer(answered / name, "tensorflow")
    found = compare(job, answers, {})
    assert found.worst_layer.activation < 1e-4
    assert found.loss_differences[0] < 1e-5
    assert all(found.weights[name] < 1e-4 for name in job.model.spec.tensors if name.endswith(("mean", "variance")))
    # One number for the whole gradient. Batch norm on noise costs PyTorch itself 1e-2 of it, a fault far more.
    exact, allowed = _flat(answers["float64"]), 1e-4 if name == "paper" else 5e-2
    for side in ("torch", "tensorflow"):
        assert np.linalg.norm(_flat(answers[side]) - exact) < allowed * np.linalg.norm(exact), side


def _flat(answer: Answer) -> np.ndarray:
    return np.concatenate([answer.gradients[name].ravel().astype(np.float64) for name in sorted(answer.gradients)])
