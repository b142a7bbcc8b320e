"""``convert``, ``export`` and ``verify``: what they write, overwrite and refuse."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import write_photo
from tests.conftest import Run


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
    folder, photo = tmp_path / "exported", write_photo(tmp_path / "x.png", 9)
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
