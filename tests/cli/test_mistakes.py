"""A mistake gets one line on standard error and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Run


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
