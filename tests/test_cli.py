"""The command line as a program sees it: documents on standard output, one line for a mistake, exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import googlenet
from googlenet.cli import main
from googlenet.weights.model_file import SealedModel

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["googlenet", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


@pytest.fixture
def model(tiny_model: SealedModel, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    tiny_model.save(path)
    return path


def _photo(path: Path, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 50, 3), value, np.uint8)).save(path, "PNG")
    return path


def test_predict_json(run: Run, model: Path, tmp_path: Path) -> None:
    paths = [_photo(tmp_path / name / "x.png", i) for i, name in enumerate(("b", "a"))]
    code, out, _ = run("predict", model, *paths, "--json", "--top", "2")
    document = json.loads(out)
    assert code == 0
    assert [entry["path"] for entry in document] == [str(path) for path in paths]
    for entry in document:
        assert len(entry["predictions"]) == 2
        assert set(entry["predictions"][0]) == {"index", "label", "probability"}
        assert entry["predictions"][0]["probability"] >= entry["predictions"][1]["probability"]


def test_predict_folder_glob_list_and_csv(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(3):
        _photo(tmp_path / "photos" / "deep" / f"{i}.png", i)
    folder = run("predict", model, tmp_path / "photos", "--json")[1]
    assert len(json.loads(folder)) == 3
    assert run("predict", model, tmp_path / "photos/**/*.png", "--json")[1] == folder
    listed = "".join(f"{tmp_path}/photos/deep/{i}.png\n" for i in range(3))
    monkeypatch.setattr(sys, "stdin", io.StringIO(listed))
    assert run("predict", model, "-", "--json")[1] == folder
    rows = list(csv.DictReader(io.StringIO(run("predict", model, tmp_path / "photos", "--csv", "--top", "1")[1])))
    assert [Path(row["path"]).name for row in rows] == ["0.png", "1.png", "2.png"]


def test_calibrate_then_predict_sets(run: Run, model: Path, tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    data, new = colour_folder(per_class=20), tmp_path / "new.safetensors"
    code, out, err = run("calibrate", model, data, "--out", new, "--split", "all", "--json")
    document = json.loads(out)
    assert (code, document["images"], document["model"]) == (0, 60, str(new))
    assert "60 images are few" in err
    code, out, err = run("calibrate", model, data, "--out", new)
    assert code == 2
    assert "exists already" in err
    code, out, err = run("predict", new, data / "red", "--coverage", "0.9", "--json", "--top", "1")
    entries = json.loads(out)
    assert (code, len(entries)) == (0, 20)
    assert all(entry["set"][0] == entry["predictions"][0] for entry in entries)
    assert "calibrated on 60 images" in err
    rows = list(csv.DictReader(io.StringIO(run("predict", new, data / "red", "--coverage", "0.9", "--csv")[1])))
    assert {row["unknown"] for row in rows} <= {"yes", "no"}
    assert all(entry["unknown"]["rejected"] == (entry["unknown"]["reason"] is not None) for entry in entries)
    assert [row["in_set"] for row in rows].count("yes") == sum(len(entry["set"]) for entry in entries)
    evaluation = json.loads(run("evaluate", new, data, "--split", "all", "--json")[1])
    assert evaluation["calibration"]["temperature"] == document["temperature"]
    assert evaluation["calibration"]["error"] == pytest.approx(document["error_after"], abs=1e-6)
    for words, says in (
        (("--coverage", "0.99"), "was calibrated on 60 images, which can promise at most 0.9836"),
        (("--coverage", "0.9", "--resize", "warp"), "leave --resize out"),
        (("--false-reject", "0.01"), "--false-reject is 0.01, but the model was calibrated on 60 images"),
    ):
        code, out, err = run("predict", new, data / "red", *words)
        assert (code, out) == (2, "")
        assert says in err


def test_predict_names_bad_files_and_goes_on(run: Run, model: Path, tmp_path: Path) -> None:
    good, bad = _photo(tmp_path / "good.png"), tmp_path / "bad.jpg"
    bad.write_text("no picture")
    code, out, err = run("predict", model, bad, good, "--json")
    assert (code, len(json.loads(out))) == (0, 1)
    assert "bad.jpg: is not a JPEG" in err
    assert "skipped 1 of 2 files" in err
    code, out, err = run("predict", model, bad, "--json")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {bad}: is not a JPEG")
    assert len(err.splitlines()) == 1
    code, _, err = run("predict", model, bad, bad)
    assert code == 2
    assert "no image could be read of 2 files" in err


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
        _photo(tmp_path / "photos" / f"<script>{i}.png", 28 * i)
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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("predict", "nowhere.safetensors", "x.png"), "nowhere.safetensors"),
        (("predict", "{model}", "nowhere.png"), "nowhere.png: cannot be read"),
        (("predict", "{model}", "{empty}"), "holds no images"),
        (("predict", "{model}", "x.png", "--tpo", "3"), "no option --tpo"),
        (("predict", "{model}", "x.png", "--json", "--csv"), "choose one"),
        (("predict", "{model}", "x.png", "--resize-size", "2"), "--resize-size"),
        (("predict", "{model}", "*.nothing"), "matches no file"),
        (("predict", "{model}", "x.png", "--top", "0"), "--top is 0"),
        (("predict",), "MODEL"),
        (("evaluate", "{model}", "{empty}"), "no sub-folders"),
        (("evaluate", "{model}", "{empty}", "--split", "tset"), "tset"),
        (("evaluate", "{model}", "nowhere"), "does not exist"),
        (("evaluate", "{model}"), "requires an argument"),
        (("evaluate", "{model}", "{empty}", "--crops", "5"), "give 1, 10 or 144"),
        (("evaluate", "{model}", "n" * 5000), "File name too long"),
        (("evaluate", "{model}", "{empty}", "--report", "{new}/r.html"), "is no folder"),
        (("convert", "{model}", "out.safetensors"), "sealed model already"),
        (("train", "{empty}", "--out", "{full}"), "exists already"),
        (("train", "{empty}", "--out", "{new}", "--recipe", "magic"), "'magic'"),
        (("train", "{empty}", "--out", "{new}", "--recipe", "finetune"), "--weights"),
        (("train", "{empty}", "--out", "{new}", "--epochs", "-1"), "--epochs"),
        (("train", "{empty}", "--out", "{new}", "--epochs", "many"), "epochs"),
        (("export", "{model}", "{new}", "--to", "cloud"), "cloud"),
        (("export", "{model}", "{full}", "--to", "onnx"), "exists already"),
        (("predict", "{model}", "x.png", "--precision", "int8"), "googlenet export --int8"),
        (("predict", "{model}", "x.png", "--precision", "bf16"), "onnxruntime computes in fp32"),
        (("export", "{model}", "{new}", "--to", "onnx", "--int8"), "--int8 and --calibrate go together"),
        (("export", "{model}", "{new}", "--to", "onnx", "--int8", "--fp16"), "choose one"),
        (("export", "{model}", "{new}", "--to", "safetensors", "--fp16"), "--fp16 is not for --to safetensors"),
        (("export", "{model}", "{new}", "--to", "onnx", "--batch", "many"), "--batch is 'many'"),
        (("export", "{model}", "{new}", "--to", "onnx", "--batch", "0"), "--batch"),
        (("verify", "{empty}"), "has no contract.json"),
        (("verify", "nowhere"), "is no folder"),
        (("compare", "{model}"), "give two or more"),
        (("compare", "{model}", "{empty}"), "holds no model.safetensors"),
        (("compare", "{model}", "{model}", "--html", "{new}/page.html"), "is no folder"),
        (("nonsense",), "nonsense"),
    ],
)
def test_mistakes_get_one_line_and_code_2(
    run: Run, model: Path, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    places = {"model": model, "empty": tmp_path / "empty", "full": tmp_path, "new": tmp_path / "new"}
    places["empty"].mkdir()
    code, out, err = run(*(word.format(**places) for word in words))
    assert code == 2
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    assert len([line for line in err.splitlines() if line.startswith("error:")]) == 1


def test_convert_overwrites_only_when_told(run: Run, model: Path, shared: Path, tmp_path: Path) -> None:
    source = shared / "weights/bvlc_googlenet.caffemodel"
    before = model.read_bytes()
    code, _, err = run("convert", source, model)
    assert code == 2
    assert "exists already" in err
    assert model.read_bytes() == before
    code, out, _ = run(
        "convert", source, model, "--overwrite", "--json", "--labels", shared / "weights/synset_words.txt"
    )
    assert code == 0
    assert json.loads(out)["parameters"] == 6_998_552


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


def test_load_and_predict(model: Path, tmp_path: Path) -> None:
    photo = _photo(tmp_path / "x.png", 5)
    answers = googlenet.load(str(model)).predict(photo)
    assert sum(answer.probability for answer in answers) == pytest.approx(1)
    assert googlenet.load(str(model)).predict(photo.read_bytes()) == answers


def test_labels_are_for_sources_without_classes(run: Run, model: Path, tmp_path: Path) -> None:
    code, _, err = run("convert", model, tmp_path / "out.onnx", "--labels", tmp_path / "labels.txt")
    assert code == 2
    assert "knows its classes" in err
    assert not (tmp_path / "out.onnx").exists()


def test_a_foreign_source_goes_to_a_foreign_target_with_its_report(run: Run, tmp_path: Path, shared: Path) -> None:
    code, out, _ = run(
        "convert", shared / "weights/bvlc_googlenet.caffemodel", tmp_path / "out.onnx", "--json",
        "--labels", shared / "weights/synset_words.txt",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["tensors"]["taken"] == 116
    assert (tmp_path / "out.onnx").stat().st_size > 27_000_000


def test_an_export_is_verified_and_predicts(run: Run, model: Path, tmp_path: Path) -> None:
    folder, photo = tmp_path / "exported", _photo(tmp_path / "x.png", 9)
    code, out, err = run("export", model, folder, "--to", "onnx")
    assert (code, err) == (0, "verified: logits differ by 0.0e+00 of the largest\n")
    assert out.startswith(f"{folder}: onnx fp32")
    document = json.loads(run("verify", folder, "--json")[1])
    assert document["passed"]
    assert document["faults"] == []
    assert run("predict", folder, photo, "--json")[1] == run("predict", model, photo, "--json")[1]
    code, _, err = run("predict", folder, photo, "--engine", "torch")
    assert (code, "its own runtime" in err) == (2, True)


def test_a_contract_that_the_export_breaks_gives_code_1(run: Run, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    assert run("export", model, folder, "--to", "onnx")[0] == 0
    contract = json.loads((folder / "contract.json").read_text())
    contract["probes"]["gray.png"]["logits"][0] += 5
    (folder / "contract.json").write_text(json.dumps(contract))
    code, out, _ = run("verify", folder)
    assert code == 1
    assert out.startswith("logits: the runtime's answers differ")
    assert "(gray.png)" in out
