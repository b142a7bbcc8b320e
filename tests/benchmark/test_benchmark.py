"""The benchmark: figures that add up, in turns, and mistakes that are named. No figure is judged: machines differ."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.benchmark.draw import write_picture
from googlenet.benchmark.figures import Benchmark, Figures, Latency, latency_of
from googlenet.benchmark.measure import benchmark
from googlenet.benchmark.worker import Worker
from googlenet.cli.benchmark import show
from googlenet.data.preprocess import prepare
from googlenet.engines import open_engine
from googlenet.errors import DataError, SettingsError
from googlenet.weights.model_file import SealedModel


@pytest.fixture
def model(tiny_model: SealedModel, tmp_path: Path) -> Path:
    path = tmp_path / "m.safetensors"
    tiny_model.save(path)
    return path


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    (tmp_path / "photographs").mkdir()
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (80, 90, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photographs" / f"{i}.jpg")
    return tmp_path / "photographs"


def _figures(name: str) -> Figures:
    return Figures(name, Latency(1, 2, 3), Latency(4, 5, 6), {1: 10.0, 8: 40.0, 16: 30.0}, 20.0, 0.5, None, 0.0)


def _benchmark() -> Benchmark:
    rows = (_figures("onnxruntime"), _figures("torch"))
    return Benchmark("m", 1, "paper", 224, "one", "a processor", 2, 3, rows, {"openvino": "absent"})


def test_percentiles_and_the_best_batch() -> None:
    latency = latency_of([i / 1000 for i in range(1, 102)])
    assert (latency.p50, latency.p90, latency.p99) == pytest.approx((51, 91, 100))
    assert _figures("x").best_batch == 8
    document = _benchmark().as_json()
    assert json.loads(json.dumps(document))["figures"][1]["throughput"] == {"1": 10.0, "8": 40.0, "16": 30.0}


@pytest.mark.parametrize("ending", [".svg", ".png"])
def test_the_picture(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"figures{ending}"
    write_picture(_benchmark(), path)
    if ending == ".svg":
        assert "onnxruntime" in path.read_text(encoding="utf-8")
    else:
        with Image.open(path) as picture:
            assert picture.size == (1200, 480)


def test_a_worker_measures_the_right_thing(model: Path, photographs: Path, tiny_model: SealedModel) -> None:
    worker = Worker("onnxruntime", "fp32", model, photographs, 1)
    images = np.stack([prepare(path, tiny_model.preprocessing) for path in sorted(photographs.iterdir())])
    expected = open_engine(tiny_model).logits(images[[0, 1, 2, 0]])
    assert np.allclose(worker.logits(4), expected, atol=1e-5)
    assert len(worker.latency(5)) == len(worker.latency_from_jpeg(5)) == 5
    assert worker.throughput(2) > 0
    assert worker.throughput_from_jpeg(2) > 0


def test_two_engines_in_turns(model: Path, photographs: Path) -> None:
    told: list[tuple[int, int]] = []
    found = benchmark(
        model,
        photographs=photographs,
        engines=("onnxruntime", "torch"),
        threads=1,
        rounds=1,
        batches=(1, 2),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]
    assert [row.name for row in found.figures] == ["onnxruntime", "torch"]
    assert found.figures[0].difference == 0
    assert 0 < found.figures[1].difference < 1e-4
    for row in found.figures:
        assert row.latency.p50 <= row.latency.p90 <= row.latency.p99
        assert min(row.latency.p50, row.latency_from_jpeg.p50, row.cold_start, row.throughput_from_jpeg) > 0
        assert set(row.throughput) == {1, 2}
    assert found.file_size == model.stat().st_size
    assert found.photographs.startswith("3 JPEGs")


def test_an_engine_that_is_absent_is_left_out(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "torch.py").write_text("raise ModuleNotFoundError('absent', name='torch')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'path'}:{Path(__file__).parents[2]}")
    with pytest.raises(SettingsError, match=r"no engine can be measured: torch is not installed; bring it with: pip"):
        benchmark(model, engines=("torch",), rounds=1)


def test_mistakes(model: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--engine is 'caffe'; known are: onnxruntime"):
        benchmark(model, engines=("caffe",))
    with pytest.raises(SettingsError, match="--rounds is 0"):
        benchmark(model, rounds=0)
    with pytest.raises(DataError, match="holds no JPEGs"):
        benchmark(model, photographs=tmp_path)
    words = [sys.executable, "-m", "googlenet", "benchmark", str(model), "--out", str(tmp_path / "x.gif")]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "give .svg or .png" in result.stderr


def test_the_table_is_whole_in_eighty_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    slow = Latency(123.4, 234.5, 345.6)
    row = Figures("openvino bf16", slow, slow, {32: 1234.5}, 1043.0, 12.3, 1_281_000_000, 1e-3)
    show(Benchmark("m.safetensors", 1, "batch_norm", 224, "one", "here", 2, 3, (row,), {}))
    out = capsys.readouterr().out
    assert "…" not in out
    assert "openvino bf16 123/234/346 123/234/346 1234 (32)" in " ".join(out.split())
