"""The notebook of docs/notebooks, executed as a reader would, on a small model."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from googlenet.variants import batch_norm
from tests.explorer.conftest import data_of, model_of

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "explore.ipynb"


@pytest.mark.filterwarnings("ignore")  # Jupyter's own
def test_the_notebook_runs(tmp_path: Path, picture: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    model_of(batch_norm(4, aux_heads=False).scaled(1 / 16), 96).save(tmp_path / "model.safetensors")
    Image.open(picture).save(tmp_path / "photograph.png")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 4
    assert len(data_of(tmp_path / "explorer.html")["pictures"]) == 1
