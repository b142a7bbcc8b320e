"""The report: what it says, and that nothing in the data can break it."""

from __future__ import annotations

import base64
import io
import re
import shutil
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
from googlenet.report.page import write_report
from googlenet.variants import batch_norm
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors, some_calibration


def _page(model: SealedModel, folder: Path, target: Path, **settings: Any) -> str:
    write_report(evaluate(model, read_dataset(folder, classes=model.classes), split="all", **settings), target, "again")
    return target.read_text(encoding="utf-8")


def test_it_says_what_was_found(tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    folder = colour_folder()
    (folder / "red/bad.jpg").write_text("no picture")
    page = _page(tiny_model, folder, tmp_path / "r.html", resize="warp")
    assert "Of 30 photographs the model names" in page
    assert "which count nowhere: 1" in page
    assert "red/bad.jpg" in page
    assert "resize warp instead of shorter-side" in page
    assert "<pre><code>again</code></pre>" in page


def test_the_mistakes_come_with_their_photographs(
    tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]
) -> None:
    folder = colour_folder(per_class=40)
    page = _page(tiny_model, folder, tmp_path / "r.html")
    photographs = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    mistakes = page.split("The worst mistakes")[1].split("<h2>")[0]
    assert mistakes.count("<figure>") == 24
    assert mistakes.count("<img") == 48  # each with what the model saw
    assert max(Image.open(io.BytesIO(base64.b64decode(photographs[0]))).size) <= 208
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
    assert len(page) < 1.5e6


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
        {"history": [{"epoch": 1, "top1": 0.5}], "doctor": "well"},
        {"history": [{"epoch": 1, "top1": 0.5}], "doctor": [1, {"name": "x"}, {"says": "<script>"}]},
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


def test_what_went_wrong_in_training_is_said(
    tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]
) -> None:
    findings = [{"name": "stuck", "samples": 96, "says": "the loss of <main> stays at ln 3; take --learning-rate 0.01"}]
    record = {"history": [{"epoch": i, "top1": 0.3, "val_top1": 0.3, "loss_main": 1.1} for i in (1, 2)]}
    model = replace(tiny_model, record={**record, "doctor": findings})
    page = _page(model, colour_folder(per_class=3), tmp_path / "r.html")
    assert "the loss of &lt;main&gt; stays at ln 3; take --learning-rate 0.01" in page
    assert "in training: the loss of" in (tmp_path / "r.card.md").read_text(encoding="utf-8")


def test_a_report_that_cannot_be_written_is_said(
    tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]
) -> None:
    with pytest.raises(GoogLeNetError, match="cannot be saved"):
        _page(tiny_model, colour_folder(per_class=3), tmp_path / "nowhere" / "r.html")


@pytest.fixture
def calibrated(tiny_model: SealedModel) -> SealedModel:
    return replace(tiny_model, calibration=some_calibration())


def test_it_says_how_far_to_trust(calibrated: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    page = _page(calibrated, colour_folder(per_class=20), tmp_path / "r.html")
    assert "before calibration" in page
    assert "as the model answers" in page
    assert "Sets of labels asked to hold the right one in 95.0 % of cases" in page
    assert "What it would call unknown" in page
    assert "balanced accuracy" in page


def test_chinese(calibrated: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    history = [{"epoch": i, "top1": 0.5, "val_top1": 0.6, "loss_main": 1.0 / i} for i in (1, 2, 3)]
    model = replace(calibrated, record={"history": history})
    evaluation = evaluate(model, read_dataset(colour_folder("照片"), classes=model.classes), split="all")
    write_report(evaluation, tmp_path / "r.html", "again", "zh")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert '<html lang="zh">' in page
    assert "在 30 张照片中，模型答对了" in page
    shown = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<details>.*?</details>|<[^>]+>", " ", page, flags=re.DOTALL)
    english = set(re.findall(r"[A-Za-z]{3,}", shown)) & {"the", "and", "right", "images", "class", "mistakes", "model"}
    assert not english


def test_leaks_are_shown(tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    folder = colour_folder()
    for label in ("blue", "green", "red"):
        (folder / "train" / label).mkdir(parents=True)
        (folder / "test" / label).mkdir(parents=True)
        for i, path in enumerate(sorted((folder / label).iterdir())):
            path.rename(folder / ("test" if i < 4 else "train") / label / path.name)
        (folder / label).rmdir()
        shutil.copy(folder / "train" / label / "5.png", folder / "test" / label / "again.png")
    dataset = read_dataset(folder, classes=tiny_model.classes)
    write_report(evaluate(tiny_model, dataset, split="test"), tmp_path / "r.html", "again")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "are in the training split too; the figures flatter" in page
    assert "test/red/again.png" in page
    assert "the same bytes" in page


HOSTILE = "<img src=x onerror=alert(1)><script>fetch('http://evil.example')</script>"


def test_in_a_browser_it_runs_nothing_and_asks_for_nothing(
    tmp_path: Path, make_picture: Callable[..., Path], calibrated: SealedModel, chromium: Any
) -> None:
    names = (ClassName(HOSTILE, HOSTILE), ClassName("b 中文", "b 中文"), ClassName("c", "c"))
    model = replace(calibrated, classes=names)
    rows = ["path,label"]
    for i in range(500):
        name = f"photos/<script>alert({i})</script>.png".replace("/s", "∕s")
        make_picture(name, seed=i, size=(320, 240))
        rows.append(f'"{name}","{names[i % 3].id}"')
    (tmp_path / "list.csv").write_text("\n".join(rows), encoding="utf-8")
    evaluation = evaluate(model, read_dataset(tmp_path / "list.csv", classes=names), split="all")
    write_report(evaluation, tmp_path / "r.html", "again")
    assert (tmp_path / "r.html").stat().st_size < 5e6
    page = chromium.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto((tmp_path / "r.html").as_uri())
    assert page.locator("script").count() == 0
    assert HOSTILE in page.inner_text("body")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()
    assert not wrong
    assert all(url.startswith(("data:", "file:")) for url in asked)
    assert sum(url.startswith("file:") for url in asked) == 2
