"""``predict`` and ``calibrate``: documents, lists of files, bad files."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import googlenet
from tests.cli.conftest import write_photo
from tests.conftest import Run


def test_predict_json(run: Run, model: Path, tmp_path: Path) -> None:
    paths = [write_photo(tmp_path / name / "x.png", i) for i, name in enumerate(("b", "a"))]
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
        write_photo(tmp_path / "photos" / "deep" / f"{i}.png", i)
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
    good, bad = write_photo(tmp_path / "good.png"), tmp_path / "bad.jpg"
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


def test_load_and_predict(model: Path, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "x.png", 5)
    answers = googlenet.load(str(model)).predict(photo)
    assert sum(answer.probability for answer in answers) == pytest.approx(1)
    assert googlenet.load(str(model)).predict(photo.read_bytes()) == answers
