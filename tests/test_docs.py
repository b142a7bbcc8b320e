"""What docs/tensorflow.md says to type: the Python blocks run one after the other, in a folder that has the files."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from googlenet.weights.model_file import SealedModel

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_the_python_of_the_tensorflow_page(tiny_model: SealedModel, tmp_path: Path) -> None:
    tiny_model.save(tmp_path / "model.safetensors")
    Image.new("RGB", (90, 80), "red").save(tmp_path / "rose.jpg")
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "tensorflow.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    script = "\n".join(blocks) + (
        "\nimport sys; assert 'torch' not in sys.modules\n"
        "assert all((a == b).all() for a, b in zip(net.get_weights(), again.get_weights(), strict=True))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.splitlines()[0] in {name.name for name in tiny_model.classes}
    assert "(1, 4, 4," in result.stdout  # 64 pixels over 16
