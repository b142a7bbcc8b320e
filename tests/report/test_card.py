"""The model card, as Hugging Face's own reader sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from googlenet.data.classes import ClassName
from googlenet.data.index import read_dataset
from googlenet.evaluation.evaluate import evaluate
from googlenet.report.page import write_report
from googlenet.weights.model_file import SealedModel
from tests.conftest import some_calibration


def test_hugging_face_reads_it(tiny_model: SealedModel, tmp_path: Path, colour_folder: Callable[..., Path]) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="no huggingface_hub here")
    names = (ClassName("blue", "a | b: <script>"), ClassName("green", "绿 [x](y)"), ClassName("red", "- red"))
    model = replace(tiny_model, classes=names, calibration=some_calibration(), path=tmp_path / "run" / "m.safetensors")
    evaluation = evaluate(model, read_dataset(colour_folder(), classes=names), split="all")
    write_report(evaluation, tmp_path / "r.html", "googlenet evaluate …")
    text = (tmp_path / "r.card.md").read_text(encoding="utf-8")
    card = hub.ModelCard(text)
    assert card.data.library_name == "googlenet"
    assert card.data.pipeline_tag == "image-classification"
    results = {result.metric_type: result for result in card.data.eval_results}
    assert results["accuracy"].metric_value == evaluation.figures.top1
    assert results["f1"].dataset_split == "all"
    assert "<script>" not in text
    for title in ("Model details", "Uses", "Bias, risks and limitations", "How to get started", "Training details",
                  "Evaluation"):  # fmt: skip
        assert f"## {title}" in text
    table = [line for line in text.splitlines() if line.startswith("| a ")]
    assert table[0].replace("\\|", "").count("|") == 8
