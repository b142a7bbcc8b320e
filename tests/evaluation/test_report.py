"""The report: what it says, and that nothing in the data can break it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from googlenet.data.classes import ClassName
from googlenet.data.index import read_dataset
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import GoogLeNetError
from googlenet.evaluation.evaluate import evaluate
from googlenet.evaluation.report import write_report
from googlenet.variants import batch_norm
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors


def _page(model: SealedModel, folder: Path, target: Path, **settings: Any) -> str:
    write_report(evaluate(model, read_dataset(folder, classes=model.classes), split="all", **settings), target, "again")
    return target.read_text(encoding="utf-8")


def test_it_says_what_was_found(tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    folder = colour_folder()
    (folder / "red/bad.jpg").write_text("no picture")
    page = _page(tiny_model, folder, tmp_path / "r.html", resize="warp")
    assert "of 30 images, the whole set" in page
    assert "1 file could not be used and counts nowhere" in page
    assert "red/bad.jpg" in page
    assert "resize warp instead of shorter-side" in page
    assert "<pre><code>again</code></pre>" in page


def test_the_mistakes_come_with_their_photographs(
    tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]
) -> None:
    folder = colour_folder(per_class=40)
    page = _page(tiny_model, folder, tmp_path / "r.html")
    photographs = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert len(photographs) == 24
    assert max(Image.open(io.BytesIO(base64.b64decode(photographs[0]))).size) <= 224
    assert len(page) < 5e6


def test_a_photograph_that_has_gone_since(
    tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]
) -> None:
    folder = colour_folder()
    evaluation = evaluate(tiny_model, read_dataset(folder, classes=tiny_model.classes), split="all")
    for path in folder.glob("*/*.png"):
        path.unlink()
    write_report(evaluation, tmp_path / "r.html", "again")
    assert "the file has gone" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_thousand_classes_stay_readable(tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    spec = batch_norm(1000, aux_heads=False).scaled(1 / 16)
    names = ["blue", "green", "red", *(f"class {i}" for i in range(997))]
    model = SealedModel(
        spec,
        tuple(ClassName(name, name) for name in names),
        Preprocessing(resize_size=64, crop_size=64),
        random_tensors(spec),
        {},
    )
    page = _page(model, colour_folder(), tmp_path / "r.html")
    assert 'class="matrix"' not in page
    assert "No images of 997 of the 1000 classes" in page
    assert len(page) < 1e6


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"history": []},
        {"history": "none"},
        {"history": [1, {"epoch": "first"}, {"epoch": 1}]},
        {"history": [{"epoch": i} for i in range(3)]},
        {"settings": ["seed", 1]},
        {"settings": {"a<b>": "<script>"}},
    ],
)
def test_a_record_of_any_make(
    tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path], record: dict[str, Any]
) -> None:
    page = _page(replace(tiny_model, record=record), colour_folder(per_class=3), tmp_path / "r.html")
    assert "<script>" not in page


def test_the_training_is_drawn(tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    history = [{"epoch": i, "top1": 0.5, "val_top1": 0.6, "loss_main": 1.0 / i} for i in (1, 2, 3)]
    model, folder = replace(tiny_model, record={"history": history}), colour_folder(per_class=3)
    page = _page(model, folder, tmp_path / "r.html")
    assert "<svg" in page
    assert "validation" in page
    assert page == _page(model, folder, tmp_path / "r.html"), "the same evaluation gives the same file"


def test_a_report_that_cannot_be_written_is_said(
    tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]
) -> None:
    with pytest.raises(GoogLeNetError, match="cannot be saved"):
        _page(tiny_model, colour_folder(per_class=3), tmp_path / "nowhere" / "r.html")
