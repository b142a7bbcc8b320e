"""What an import costs: looked at in fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import googlenet
from googlenet.weights.model_file import SealedModel

FRAMEWORKS = {"torch", "tensorflow", "keras", "jax", "grain", "cv2"}


def _modules_after(code: str) -> set[str]:
    """The top-level modules in a process that ran ``code``; what it prints itself is thrown away."""
    script = (
        "import sys, json, io, contextlib\n"
        f"with contextlib.redirect_stdout(io.StringIO()):\n    {code}\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout))


def _command(*words: str) -> str:
    return f"sys.argv = {['googlenet', *words]!r}; from googlenet.cli import main; main()"


def test_import_and_help_load_no_framework() -> None:
    heavy = FRAMEWORKS | {"onnxruntime", "onnx", "matplotlib", "numpy", "PIL"}
    assert not _modules_after("import googlenet") & heavy
    assert not _modules_after(_command("--help")) & FRAMEWORKS


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_predict_and_evaluate_load_no_framework(tiny_model: SealedModel, tmp_path: Path, verb: str) -> None:
    tiny_model.save(tmp_path / "m.safetensors")
    for name in tiny_model.classes:
        image = tmp_path / "data" / name.id / "a.png"
        image.parent.mkdir(parents=True)
        Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(image)
    words = [verb, str(tmp_path / "m.safetensors"), str(tmp_path / "data"), "--json"]
    if verb == "evaluate":
        words += ["--split", "all"]
    loaded = _modules_after(_command(*words))
    assert "onnxruntime" in loaded
    assert not loaded & (FRAMEWORKS | {"matplotlib", "sklearn"})


def test_training_with_pytorch_loads_no_tensorflow(tmp_path: Path) -> None:
    loaded = _modules_after(
        "from pathlib import Path; from googlenet.training import run; from googlenet.data import batches; "
        f"run.find_learner('torch'); run.RunLog(Path({str(tmp_path)!r})); batches._import_grain()"
    )
    assert {"torch", "grain"} <= loaded
    assert not loaded & {"tensorflow", "keras", "jax"}


@pytest.mark.parametrize("form", ["table", "json", "markdown", "html"])
def test_describe_loads_nothing_heavy(form: str) -> None:
    heavy = FRAMEWORKS | {"onnxruntime", "onnx", "matplotlib", "numpy", "PIL", "jinja2", "pydantic"}
    assert not _modules_after(_command("describe", "--format", form)) & heavy


def test_public_names() -> None:
    assert googlenet.__all__ == [
        "Classifier",
        "GoogLeNetError",
        "__version__",
        "explain",
        "explore",
        "keras",
        "load",
        "torch",
    ]
    assert all(hasattr(googlenet, name) for name in googlenet.__all__)
    with pytest.raises(AttributeError):
        _ = googlenet.nothing
