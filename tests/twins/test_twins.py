"""The twins: what is beyond a bar is found and named; the command runs both frameworks, each in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from googlenet.errors import GoogLeNetError, TrainingError
from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import Spec
from googlenet.twins.compare import compare
from googlenet.twins.draw import write_page
from googlenet.twins.job import Answer, Job, images_file, read_job, still, write_job
from googlenet.twins.process import run_side
from googlenet.variants import VARIANTS, batch_norm, paper, tutorial
from googlenet.weights.model_file import SealedModel
from tests.conftest import MakeFolder

needs_tensorflow = pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")


@pytest.fixture
def model(tiny_model: SealedModel) -> SealedModel:
    """With auxiliary heads, which must be compared too, and weights that do not amplify rounding."""
    torch.manual_seed(0)
    spec = batch_norm(3).scaled(1 / 16)
    return replace(tiny_model, spec=spec, tensors=GoogLeNet(spec).canonical())


def _job(model: SealedModel) -> Job:
    images = np.random.default_rng(0).standard_normal((5, 3, 64, 64)).astype(np.float32)
    return Job(model, images, np.array([0, 1, 2, 0, 1]), steps=3, batch_size=4, rate=1e-3)


def _answer(model: SealedModel) -> Answer:
    rng = np.random.default_rng(1)
    activations = {layer.name: rng.standard_normal((2, 3, 2, 2)).astype(np.float32) for layer in model.spec.layers}
    gradients = {name: rng.standard_normal(shape) for name, shape in model.spec.parameters.items()}
    return Answer(activations, gradients, np.array([1.0, 0.5, 0.25]), model.tensors)


def _changed(answer: Answer, part: str, name: str, factor: float) -> Answer:
    tensors = dict(getattr(answer, part))
    tensors[name] = tensors[name] * factor
    return replace(answer, **{part: tensors})


def test_equal_answers_agree(model: SealedModel) -> None:
    answer = _answer(model)
    found = compare(_job(model), {"torch": answer, "tensorflow": answer, "float64": answer}, {})
    assert found.agree
    assert found.verdict.startswith("The twins agree")
    assert found.moved == 0
    assert len(found.layers) == len(model.spec.layers)
    assert set(found.logits) == {"main", "aux1", "aux2"}


def test_the_first_layer_beyond_the_bar_is_named(model: SealedModel) -> None:
    right = _answer(model)
    wrong = _changed(_changed(right, "activations", "inception_4a/3x3", 1 + 2e-4), "activations", "conv2/3x3", 1 + 9e-5)
    found = compare(_job(model), {"torch": right, "tensorflow": wrong, "float64": right}, {})
    assert not found.agree
    assert "inception_4a/3x3" in found.verdict
    assert "conv2" not in found.verdict
    assert found.worst_layer.activation == pytest.approx(2e-4, rel=1e-2)


def test_losses_and_weights_have_bars_and_gradients_none(model: SealedModel) -> None:
    right = _answer(model)
    jumped = _changed(right, "gradients", "conv1/7x7_s2/weight", 2.0)
    found = compare(_job(model), {"torch": right, "tensorflow": jumped, "float64": right}, {})
    row = found.layers[0]
    assert found.agree
    assert (row.gradient, row.torch_from_float64, row.tensorflow_from_float64) == (0.5, 0.0, 0.5)
    late = replace(right, losses=np.array([1.0, 0.501, 0.25]))
    found = compare(_job(model), {"torch": right, "tensorflow": late, "float64": right}, {})
    assert "losses from step 2" in found.verdict
    assert "this is no rounding" in found.verdict
    found = compare(_job(model), {"torch": right, "tensorflow": late, "float64": late}, {})
    assert "amplifies rounding" in found.verdict
    moved = _changed(right, "weights", "loss1/fc/weight", 1.01)
    found = compare(_job(model), {"torch": right, "tensorflow": moved, "float64": right}, {})
    assert "after 3 steps, most loss1/fc/weight" in found.verdict
    assert "weights are 0.0e+00 from its own in float64: this is no rounding" in found.verdict


def test_a_loss_that_is_no_number_is_a_mistake(model: SealedModel) -> None:
    right = _answer(model)
    lost = replace(right, losses=np.array([1.0, np.inf, np.nan]))
    with pytest.raises(TrainingError, match="TensorFlow's loss is inf at step 2 of 3"):
        compare(_job(model), {"torch": right, "tensorflow": lost, "float64": right}, {})


@pytest.mark.parametrize("spec", [tutorial(3), *(make() for make in VARIANTS.values())], ids=lambda s: s.variant)
def test_still_drops_nothing_but_dropout(spec: Spec) -> None:
    assert still(spec).tensors == spec.tensors
    assert {layer.rate for layer in still(spec).layers if hasattr(layer, "rate")} == {0.0}


def test_batches_begin_again_after_the_last_image(model: SealedModel) -> None:
    job = _job(model)
    assert job.batch(1)[1].tolist() == [1, 0, 1, 2]
    assert np.array_equal(job.batch(1)[0][1], job.images[0])


class _Page(HTMLParser):
    """What a page holds, and whether it would fetch anything."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href") and value and value[0] != "#"]


def test_the_page_stands_alone(model: SealedModel, tmp_path: Path) -> None:
    answer = _answer(model)
    found = compare(_job(model), {"torch": answer, "tensorflow": answer, "float64": answer}, {"torch": "2"})
    write_page(found, tmp_path / "page.html", "<b>.safetensors", "googlenet twins")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.tags.count("svg") == 4
    assert "script" not in page.tags
    assert not page.fetched
    assert "&lt;b&gt;.safetensors" in text
    assert text.count("<td><code>") == len(model.spec.layers)


def test_a_missing_framework_is_named(model: SealedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "torch.py").write_text("raise ModuleNotFoundError('no torch', name='torch')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'absent'}:{Path(__file__).parents[2]}")
    np.save(images_file(tmp_path), _job(model).images)
    write_job(tmp_path, _job(model))
    assert read_job(tmp_path).steps == 3
    with pytest.raises(
        GoogLeNetError, match=r"torch is not installed; bring it with: pip install 'googlenet\[torch\]'"
    ):
        run_side("torch", tmp_path, lambda done, total: None)


@needs_tensorflow
def test_the_command_finds_that_they_agree(model: SealedModel, make_folder: MakeFolder, tmp_path: Path) -> None:
    # Without batch norm, which on so few pictures parts float32 from float64 by chance, PyTorch's own too.
    spec = paper(3, aux_heads=False).scaled(1 / 16)
    torch.manual_seed(0)
    model = replace(model, spec=spec, tensors=GoogLeNet(spec).canonical())
    model.save(tmp_path / "m.safetensors")
    words = [
        str(tmp_path / "m.safetensors"),
        str(make_folder(dict.fromkeys(("blue", "green", "red"), 4))),
        "--steps",
        "3",
        "--batch-size",
        "4",
        "--json",
    ]
    script = (
        "import sys; sys.argv[0] = 'googlenet'; from googlenet.cli import main\n"
        "main(); assert not {'torch', 'tensorflow', 'keras'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", script, "twins", *words, "--out", str(tmp_path / "page.html")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr + result.stdout
    document = json.loads(result.stdout)
    assert document["agree"]
    assert document["verdict"].startswith("The twins agree")
    assert [layer["name"] for layer in document["layers"]] == [layer.name for layer in model.spec.layers]
    assert 0 < max(layer["activation"] for layer in document["layers"]) < 1e-5
    assert len(document["losses"]["torch"]) == 3
    assert document["losses"]["torch"][0] != document["losses"]["torch"][1]
    assert set(document["weights"]["difference"]) == set(model.spec.tensors)
    assert document["weights"]["moved"] > 1e-3
    assert set(document["versions"]) == {"torch", "tensorflow", "keras"}
    assert (tmp_path / "page.html").exists()
