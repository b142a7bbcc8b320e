"""``evaluate`` and ``compare``: documents, tables, the report."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from googlenet.weights.model_file import SealedModel
from tests.cli.conftest import write_photo
from tests.conftest import Run


def test_evaluate_json_and_report(run: Run, model: Path, tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    data = colour_folder()
    report = tmp_path / "report.html"
    code, out, _ = run("evaluate", model, data, "--split", "all", "--json", "--report", report)
    document = json.loads(out)
    assert code == 0
    assert document["images"] == 30
    assert np.trace(document["confusion"]) / 30 == document["top1"]
    assert document["intervals"]["top1"][0] <= document["top1"] <= document["intervals"]["top1"][1]
    assert len(document["per_class"]) == 3
    code, out, _ = run("evaluate", model, data, "--split", "test")
    assert code == 0
    assert "3 images (test)" in out


def test_classes_that_the_model_does_not_know(
    run: Run, model: Path, colour_folder: Callable[..., Path], tmp_path: Path
) -> None:
    data = colour_folder(per_class=20, classes=("blue", "green", "red", "violet", "紫"))
    code, out, err = run("evaluate", model, data, "--json")
    assert (code, out) == (2, "")
    assert "the classes 'violet', '紫' are none of the model's 3" in err
    left_out = json.loads(run("evaluate", model, data, "--json", "--unknown-classes", "leave-out")[1])
    assert left_out["images"] == 6
    assert "2 images of 'violet', which the model does not know, are left out" in left_out["notes"]
    errors = json.loads(run("evaluate", model, data, "--json", "--unknown-classes", "errors")[1])
    assert errors["images"] == 10
    assert errors["top1"] == pytest.approx(left_out["top1"] * 6 / 10)
    assert errors["intervals"]["top1"][0] <= errors["top1"] <= errors["intervals"]["top1"][1]
    assert errors["per_class"] == left_out["per_class"]
    everything = json.loads(run("evaluate", model, data, "--json", "--split", "all", "--unknown-classes", "errors")[1])
    assert everything["images"] == 100
    for label in ("blue", "green", "red"):
        shutil.rmtree(data / label)
    code, _, err = run("evaluate", model, data, "--unknown-classes", "errors")
    assert code == 2
    assert "none of its classes, 'violet', '紫', is one of the model's 3" in err


def test_a_test_split_of_one_class(run: Run, model: Path, tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    data = colour_folder()
    for label in ("blue", "green", "red"):
        (data / "train" / label).mkdir(parents=True)
    (data / "test/red").mkdir(parents=True)
    for label in ("blue", "green", "red"):
        for i, path in enumerate(sorted((data / label).iterdir())):
            path.rename(data / ("test" if label == "red" and i < 5 else "train") / label / path.name)
        (data / label).rmdir()
    code, out, _ = run("evaluate", model, data, "--json", "--report", tmp_path / "r.html")
    document = json.loads(out)
    assert (code, document["images"]) == (0, 5)
    assert document["balanced_accuracy"]["value"] == document["top1"]


def test_another_resize_is_said(run: Run, model: Path, colour_folder: Callable[..., Path]) -> None:
    data = colour_folder()
    document = json.loads(run("evaluate", model, data, "--split", "all", "--resize", "warp", "--json")[1])
    assert document["preprocessing"]["resize"] == "warp"
    assert document["preprocessing_changed"] == ["resize warp instead of shorter-side"]
    assert "warp instead of shorter-side" in run("evaluate", model, data, "--split", "all", "--resize", "warp")[1]


def test_models_and_crops_in_one_table(
    run: Run, model: Path, tmp_path: Path, colour_folder: Callable[..., Path]
) -> None:
    data, other = colour_folder(per_class=2), tmp_path / "second" / "model.safetensors"
    other.parent.mkdir()
    other.write_bytes(model.read_bytes())
    words = ("evaluate", model, other, data, "--split", "all", "--crops", "1", "--crops", "10")
    document = json.loads(run(*words, "--json")[1])
    assert [(len(row["models"]), row["crops"]) for row in document["protocols"]] == [
        (1, 1), (1, 1), (2, 1), (1, 10), (1, 10), (2, 10),
    ]  # fmt: skip
    assert document["protocols"][5]["top1"] == document["top1"]
    assert document["preprocessing_changed"] == ["10 crops of the shorter side at 73 instead of one"]
    code, out, _ = run(*words)
    assert code == 0
    assert "second" in out
    assert "all 2" in out
    assert str(tmp_path) not in out
    assert run("evaluate", model, data, "--split", "all")[1].count("s/image") == 0


def test_compare_models_as_a_table_json_and_page(
    run: Run, model: Path, tmp_path: Path, colour_folder: Callable[..., Path]
) -> None:
    words = ("compare", model, model, "--data", colour_folder(), "--split", "all", "--html", tmp_path / "page.html")
    code, out, err = run(*words)
    assert code == 0
    assert "no difference" in out
    assert "page.html" in err
    pair = json.loads(run(*words, "--json")[1])["pairs"][0]
    assert (pair["images"], pair["only_first"], pair["only_second"], pair["p"]) == (30, 0, 0, 1.0)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_report_executes_nothing_and_asks_for_nothing(run: Run, tiny_model: SealedModel, tmp_path: Path) -> None:
    from dataclasses import replace

    from googlenet.data.classes import ClassName

    hostile = "<img src=x onerror=alert(1)><script>alert(1)<"
    classes = (ClassName(hostile, hostile), ClassName("b 中文", "b 中文"), ClassName("c", "c"))
    path = tmp_path / "m.safetensors"
    replace(
        tiny_model,
        classes=classes,
        record={"history": [{"epoch": i, "top1": 0.1, "val_top1": 0.1, "loss_main": 1.0} for i in (1, 2)]},
    ).save(path)
    rows = ["path,label"]
    for i in range(9):
        name = classes[i % 3].id
        write_photo(tmp_path / "photos" / f"<script>{i}.png", 28 * i)
        rows.append(f'"photos/<script>{i}.png","{name}"')
    (tmp_path / "list.csv").write_text("\n".join(rows), encoding="utf-8")
    report = tmp_path / "report.html"
    assert run("evaluate", path, tmp_path / "list.csv", "--split", "all", "--report", report)[0] == 0
    page = report.read_text(encoding="utf-8")
    parser = _Tags()
    parser.feed(page)
    assert "script" not in parser.tags
    assert "svg" in parser.tags
    assert all(link.startswith(("data:", "#")) for link in parser.links)
    assert "&lt;script&gt;" in page
    assert "中文" in page
    assert not re.search(r"url\((?!#)", page)


@pytest.mark.parametrize(("resize", "right"), [("warp", (0.78, 0.96)), ("shorter-side", (0.76, 0.94))])
def test_bvlc_on_a_hundred_photographs(
    run: Run, shared: Path, tmp_path: Path, resize: str, right: tuple[float, float]
) -> None:
    sealed = tmp_path / "imagenet.safetensors"
    labels = shared / "weights/synset_words.txt"
    run("convert", shared / "weights/bvlc_googlenet.caffemodel", sealed, "--labels", labels)
    samples = shared / "imagenet-samples"
    out = run("evaluate", sealed, samples, "--split", "all", "--resize", resize, "--json")[1]
    document = json.loads(out)
    assert document["images"] == 100
    assert (document["top1"], document["top5"]) == right
