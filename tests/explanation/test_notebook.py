"""docs/notebooks/explain.ipynb runs from top to bottom."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from googlenet.weights.model_file import SealedModel
from tests.conftest import MakePicture

ROOT = Path(__file__).parents[2]


@pytest.mark.filterwarnings("ignore")  # of the notebook's own machinery
def test_the_notebook_runs(
    tiny_model: SealedModel, tmp_path: Path, make_picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_model.save(tmp_path / "model.safetensors")
    with Image.open(make_picture("x.png", size=(90, 70))) as image:
        image.save(tmp_path / "photograph.jpg")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    notebook = nbformat.read(ROOT / "docs/notebooks/explain.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 4
