"""Files of answers: one row per image whatever happens, and the same rows however often the run was cut off."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest

from googlenet.cli import main
from googlenet.engines import open_engine
from googlenet.errors import SettingsError
from googlenet.evaluation.predict import predict_one, take_shard
from googlenet.weights.model_file import SealedModel
from tests.conftest import MakePicture

COUNT = 75  # two whole chunks and a part
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: object, listed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["googlenet", "predict", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(listed))
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
    tiny_model.save(tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


@pytest.fixture
def photos(tmp_path: Path, make_picture: MakePicture) -> Path:
    """Some of them are no images, and one has a name that must be quoted."""
    for i in range(COUNT):
        make_picture(f"photos/{i:03d}.png", seed=i)
    (tmp_path / "photos/007.png").write_bytes(b"no image")
    (tmp_path / "photos/033.png").write_bytes(b"")
    (tmp_path / "photos/070.png").rename(tmp_path / 'photos/070 "a,\nb".png')
    return tmp_path / "photos"


def test_csv_has_a_row_per_image_and_says_what_is_wrong(
    run: Run, model: Path, photos: Path, tmp_path: Path, tiny_model: SealedModel
) -> None:
    code, out, err = run(model, photos, "--out", tmp_path / "a.csv", "--top", 9, "--json")
    assert code == 0
    assert json.loads(out) == {"out": str(tmp_path / "a.csv"), "images": COUNT, "resumed": 0, "unread": 2}
    assert err == ""
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [str(path) for path in sorted(photos.iterdir())]
    assert [i for i, row in enumerate(rows) if row["error"]] == [7, 33]
    assert "is not a JPEG" in rows[7]["error"]
    engine = open_engine(tiny_model)
    for row in (rows[0], rows[34], rows[74]):
        alone = predict_one(tiny_model, engine, Path(row["path"]), top=3).predictions
        assert [row[f"label_{rank}"] for rank in (1, 2, 3)] == [answer.label for answer in alone]
        assert float(row["probability_1"]) == pytest.approx(alone[0].probability, abs=2e-6)
    assert "label_4" not in rows[0]


def test_the_three_forms_say_the_same(run: Run, model: Path, photos: Path, tmp_path: Path) -> None:
    for ending in ("csv", "jsonl", "parquet"):
        assert run(model, photos, "--out", tmp_path / f"a.{ending}")[0] == 0
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pylist()
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(lines) == len(table) == len(rows) == COUNT
    for line, cells, row in zip(lines, table, rows, strict=True):
        assert line["path"] == cells["path"] == row["path"]
        assert line.get("error") == cells["error"] == (row["error"] or None)
        if "predictions" in line:
            assert [answer["label"] for answer in line["predictions"]] == cells["label"]
            assert cells["probability"] == [answer["probability"] for answer in line["predictions"]]
            assert row["label_1"] == cells["label"][0]
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_cut_off_anywhere_and_resumed_is_as_if_never_cut(
    run: Run, model: Path, photos: Path, tmp_path: Path, ending: str
) -> None:
    whole, cut = tmp_path / f"whole.{ending}", tmp_path / f"cut.{ending}"
    run(model, photos, "--out", whole)
    content = whole.read_bytes()
    rows = [0, *(i + 1 for i, byte in enumerate(content) if byte == 10)]
    for size in (0, 9, rows[3], rows[31] + 7, rows[33], rows[34] + 1, rows[-2] - 20, len(content)):
        cut.write_bytes(content[:size])
        code, _, _ = run(model, photos, "--out", cut, "--resume")
        assert code == 0
        assert cut.read_bytes() == content, f"cut at {size}"


def test_killed_and_resumed(run: Run, model: Path, photos: Path, tmp_path: Path) -> None:
    """kill -9 of the real process, in the middle of a list that is long enough."""
    listed = "".join(f"{path}\n" for path in sorted(photos.glob("0[0-6]*.png")) * 8)
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    run(model, "-", "--out", whole, listed=listed)
    command = [sys.executable, "-m", "googlenet", "predict", str(model), "-", "--out", str(cut)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdin is not None
    some = listed.splitlines(keepends=True)
    process.stdin.write("".join(some[: len(some) // 2]))  # then it waits for more, and is killed
    process.stdin.flush()
    while not cut.exists() or cut.read_bytes().count(b"\n") < 64:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    assert 0 < cut.stat().st_size < whole.stat().st_size
    code, out, _ = run(model, "-", "--out", cut, "--resume", "--json", listed=listed)
    assert code == 0
    assert json.loads(out)["resumed"] >= 32
    assert cut.read_bytes() == whole.read_bytes()


def test_a_parquet_file_is_resumed_from_its_rows(run: Run, model: Path, photos: Path, tmp_path: Path) -> None:
    run(model, photos, "--out", tmp_path / "a.jsonl")
    content = (tmp_path / "a.jsonl").read_bytes()
    (tmp_path / "b.parquet.partial").write_bytes(content[: len(content) // 2])
    assert run(model, photos, "--out", tmp_path / "b.parquet")[0] == 2
    assert run(model, photos, "--out", tmp_path / "b.parquet", "--resume")[0] == 0
    assert pyarrow.parquet.read_table(tmp_path / "b.parquet").num_rows == COUNT
    assert run(model, photos, "--out", tmp_path / "b.parquet", "--resume")[2].startswith("error: ")


def test_resuming_something_else_is_refused_and_leaves_it_whole(
    run: Run, model: Path, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.csv"
    run(model, photos, "--out", out)
    content = out.read_bytes()
    others: list[tuple[tuple[object, ...], str]] = [
        ((model, photos, "--out", out), "exists; continue it with --resume"),
        ((model, photos, "--out", out, "--resume", "--top", 1), "is not what a run with these options writes"),
        ((model, photos / "001.png", "--out", out, "--resume"), "more than the list has"),
        ((model, photos, "--out", out, "--resume", "--resize", "warp"), "other rows up to number 64"),
        ((model, photos, "--out", out, "--resume", "--shard", "2/2"), "other rows up to number 64"),
    ]
    for words, expected in others:
        code, _, err = run(*words)
        assert code == 2
        assert expected in err
        assert len([line for line in err.splitlines() if line.startswith("error")]) == 1
        assert out.read_bytes() == content


def test_shards_make_the_whole(run: Run, model: Path, photos: Path, tmp_path: Path) -> None:
    for i in (1, 2, 3):
        assert run(model, photos, "--out", tmp_path / f"{i}.jsonl", "--shard", f"{i}/3")[0] == 0
    found = [
        json.loads(line)["path"]
        for i in (1, 2, 3)
        for line in (tmp_path / f"{i}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert sorted(found) == sorted(str(path) for path in photos.iterdir())
    for words in ("0/3", "4/3", "1", "a/b", "-1/2"):
        with pytest.raises(SettingsError, match="i/n"):
            take_shard(iter([]), words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--resume",), "there is no --out"),
        (("--out", "a.xlsx"), ".csv, .jsonl, .parquet"),
        (("--out", "a.csv", "--csv"), "leave --csv out"),
    ],
)
def test_what_cannot_be(run: Run, model: Path, photos: Path, words: tuple[str, ...], expected: str) -> None:
    code, out, err = run(model, photos, *words)
    assert (code, out) == (2, "")
    assert expected in err


def test_nothing_readable_is_a_mistake(run: Run, model: Path, photos: Path, tmp_path: Path) -> None:
    code, _, err = run(model, photos / "007.png", "--out", tmp_path / "a.csv")
    assert code == 2
    assert "none of 1 images" in err
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").count("\n") == 2
