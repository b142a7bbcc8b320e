"""Each method beside captum, or beside its own definition computed another way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import captum.attr
import numpy as np
import pytest
import torch

import googlenet
from googlenet.data.preprocess import prepare
from googlenet.engines import open_engine
from googlenet.errors import SettingsError, SpecError
from googlenet.explanation import gradients
from googlenet.explanation.cam import cam_layer
from googlenet.explanation.explain import METHODS, Explainer, Method
from googlenet.explanation.maps import answer_targets
from googlenet.explanation.view import View, look
from googlenet.variants import paper
from googlenet.weights.model_file import SealedModel
from tests.conftest import MakePicture, random_tensors


@pytest.fixture(scope="module")
def model(tiny_model: SealedModel) -> SealedModel:
    """With local response norm, biases and no batch norm, as the paper has it."""
    spec = paper(3, aux_heads=False).scaled(1 / 8)
    return replace(tiny_model, spec=spec, tensors=random_tensors(spec, 5))


@pytest.fixture
def view(make_picture: MakePicture, model: SealedModel) -> View:
    return look(make_picture("noise.png", size=(90, 70)), model.preprocessing)


@pytest.fixture(scope="module")
def explainer(model: SealedModel) -> Explainer:
    return Explainer(model)


class _Main(torch.nn.Module):
    """The main logits, as captum wants them."""

    def __init__(self, model: SealedModel) -> None:
        super().__init__()
        self.net = gradients.open_net(model)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        main: torch.Tensor = self.net(images).main
        return main


LAYERS = ["inception_4a/output", "inception_4e/3x3", "pool2/3x3_s2", "conv1/7x7_s2", "inception_5b/output"]


@pytest.mark.parametrize("layer", LAYERS)
def test_grad_cam_is_captums(explainer: Explainer, model: SealedModel, view: View, layer: str) -> None:
    ours = explainer.explain(view, "grad-cam", layer)
    net = _Main(model)
    method = captum.attr.LayerGradCam(net, net.net.layers[layer])
    image = torch.from_numpy(view.input)[None].requires_grad_()
    theirs = method.attribute(image, ours.answer, relu_attributions=True)[0, 0].detach().numpy()
    assert ours.layer == layer
    assert ours.for_answer.values == pytest.approx(theirs, abs=1e-5 * float(np.abs(theirs).max()))
    assert theirs.max() > 0


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_cam_is_its_formula_on_captums_gradients(
    explainer: Explainer, model: SealedModel, view: View, layer: str
) -> None:
    ours = explainer.explain(view, "layer-cam", layer)
    net = _Main(model)
    image = torch.from_numpy(view.input)[None].requires_grad_()

    def difference(images: torch.Tensor) -> torch.Tensor:
        logits = net(images)
        return logits[:, ours.answer] - logits[:, ours.runner_up]

    method = captum.attr.LayerGradientXActivation(difference, net.net.layers[layer], multiply_by_inputs=False)
    found = method.attribute(image)[0]
    features = net.net.activations(image, [layer])[layer][0]
    theirs = (found.relu() * features).sum(0).relu().detach().numpy()
    assert ours.against_runner_up is not None
    assert ours.against_runner_up.values == pytest.approx(theirs, abs=1e-5 * float(np.abs(theirs).max()))
    assert theirs.max() > 0


def test_grad_cam_of_the_last_module_is_the_exact_cam(explainer: Explainer, view: View) -> None:
    for exact, by_gradient in zip(
        explainer.explain(view, "cam").maps, explainer.explain(view, "grad-cam").maps, strict=True
    ):
        scale = float(np.abs(exact.values).max())
        assert by_gradient.values == pytest.approx(np.maximum(exact.values, 0), abs=1e-5 * scale)
        assert by_gradient.score == pytest.approx(exact.score, rel=1e-4)


def test_integrated_gradients_are_captums(
    explainer: Explainer, model: SealedModel, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradients, "_MOST_STEPS", 8)  # evenly spaced, as captum has them
    ours = explainer.explain(view, "integrated-gradients")
    theirs = captum.attr.IntegratedGradients(_Main(model)).attribute(
        torch.from_numpy(view.input)[None], target=ours.answer, n_steps=9, method="riemann_trapezoid"
    )[0]
    expected = theirs.sum(0).detach().numpy() * 9 / 8  # captum's weights add up to 8/9
    assert ours.steps == 8
    assert ours.for_answer.values == pytest.approx(expected, abs=1e-5 * float(np.abs(expected).max()))


def test_integrated_gradients_add_up(explainer: Explainer, view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    found = explainer.explain(view, "integrated-gradients")
    for part in found.maps:
        assert part.error is not None
        assert part.constant is not None
        assert part.error <= gradients.TOLERANCE * max(1, abs(part.score - part.constant))
    monkeypatch.setattr(gradients, "TOLERANCE", 1e-4)
    finer = explainer.explain(view, "integrated-gradients")
    assert (found.steps or 0) < (finer.steps or 0) <= 256
    assert finer.for_answer.values == pytest.approx(
        found.for_answer.values, abs=0.1 * float(np.abs(found.for_answer.values).max())
    )


def test_occlusion_is_the_fall_of_the_score(model: SealedModel, view: View) -> None:
    engine = open_engine(model)
    found = Explainer(model, engine).explain(view, "occlusion")
    assert found.for_answer.values.shape == (14, 14)
    targets = answer_targets(found.logits)
    size = view.input.shape[1]
    for row, column in ((0, 0), (5, 9), (13, 13)):
        covered = view.input.copy()
        edges = [slice(max(0, round((i - 0.5) * size / 14)), round((i + 1.5) * size / 14)) for i in (row, column)]
        covered[:, edges[0], edges[1]] = 0
        falls = targets @ (found.logits - engine.logits(covered[None])[0])
        assert [part.values[row, column] for part in found.maps] == pytest.approx(falls, abs=1e-5)


def test_what_is_seen_is_what_the_network_gets(make_picture: MakePicture, model: SealedModel) -> None:
    path = make_picture("wide.png", size=(160, 80))
    view = look(path, model.preprocessing)  # 72 high, 144 wide; the middle 64 x 64 of it
    assert np.array_equal(view.input, prepare(path, model.preprocessing))
    assert view.box == pytest.approx((40 / 144, 4 / 72, 104 / 144, 68 / 72))
    assert look(path.read_bytes(), model.preprocessing).path == ""


def test_wrong_names_and_layers(explainer: Explainer, view: View) -> None:
    with pytest.raises(SpecError, match="near it are: inception_4a/3x3"):
        explainer.explain(view, "grad-cam", "inception_4a/3X3")
    with pytest.raises(SettingsError, match="no places"):
        explainer.explain(view, "grad-cam", "pool5/7x7_s1")
    with pytest.raises(SettingsError, match="take grad-cam"):
        explainer.explain(view, "cam", "inception_4e/output")
    with pytest.raises(SettingsError, match="leave it out"):
        explainer.explain(view, "occlusion", "inception_4e/output")
    with pytest.raises(SettingsError, match="known are: cam"):
        explainer.explain(view, "magic")  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_one_pixel_and_one_class(method: Method, make_picture: MakePicture, tiny_model: SealedModel) -> None:
    spec = replace(tiny_model.spec, classes=1)
    alone = replace(tiny_model, spec=spec, classes=tiny_model.classes[:1], tensors=random_tensors(spec))
    found = Explainer(alone).explain(look(make_picture("1.png", size=(1, 1)), alone.preprocessing), method)
    assert found.runner_up is None
    assert found.against_runner_up is None
    assert np.isfinite(found.for_answer.values).all()


def test_the_library_takes_files_bytes_and_a_loaded_model(
    tiny_model: SealedModel, tmp_path: Path, make_picture: MakePicture
) -> None:
    tiny_model.save(tmp_path / "m.safetensors")
    image = make_picture("a.png")
    by_path = googlenet.explain(tmp_path / "m.safetensors", image)
    by_bytes = googlenet.explain(googlenet.load(str(tmp_path / "m.safetensors")), image.read_bytes())
    assert by_path.layer == cam_layer(tiny_model.spec)
    assert by_path.view.path == str(image)
    assert np.array_equal(by_path.for_answer.values, by_bytes.for_answer.values)
    assert by_path.probabilities.sum() == pytest.approx(1)
    assert googlenet.explain(tmp_path / "m.safetensors", image, "layer-cam").layer == "inception_4e/output"
