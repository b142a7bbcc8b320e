"""The tests of trust: that they pass where they should, and can fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from googlenet.cli import main
from googlenet.data.preprocess import normalise
from googlenet.engines import open_engine
from googlenet.explanation import check as checks
from googlenet.explanation import gradients
from googlenet.explanation.cam import class_activation_maps
from googlenet.explanation.check import check, randomised
from googlenet.explanation.explain import Explainer
from googlenet.explanation.ranks import rank_correlation
from googlenet.explanation.view import look
from googlenet.weights.model_file import SealedModel
from tests.conftest import MakePicture
from tests.explanation import planted


def test_rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(0)
    for levels in (3, 1000):
        one, other = rng.integers(0, levels, (2, 7, 7)).astype(np.float32)
        assert rank_correlation(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel()).statistic)
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert rank_correlation(one, np.ones((7, 7), np.float32)) == 0


def test_randomising_keeps_values_and_loses_order(tiny_model: SealedModel) -> None:
    other = randomised(tiny_model, 0)
    for name, values in tiny_model.tensors.items():
        drawn = other.tensors[name]
        assert drawn.shape == values.shape
        assert np.array_equal(np.sort(drawn, None), np.sort(values, None))
        assert values.size < 5 or not np.array_equal(drawn, values)
    norm = "inception_3a/1x1/norm/"
    order = [np.flatnonzero(other.tensors[norm + "mean"] == v)[0] for v in tiny_model.tensors[norm + "mean"]]
    assert np.array_equal(other.tensors[norm + "variance"][order], tiny_model.tensors[norm + "variance"])


@pytest.fixture(scope="module")
def planted_model() -> SealedModel:
    return planted.train()


def test_a_planted_patch_lights_up(planted_model: SealedModel) -> None:
    """At least 90 % of the map's evidence lies in the quarter of the picture that the patch lies in."""
    engine = open_engine(planted_model)
    rng = np.random.default_rng(9)
    half = planted.SIDE // 2
    shares = []
    for row, column in [(0, 0), (0, 1), (1, 0), (1, 1)] * 4:
        pixels = planted.noise(rng)
        top, left = (part * half + int(rng.integers(8, half - planted.PATCH - 7)) for part in (row, column))
        planted.plant(pixels, top, left)
        ((part, _),) = class_activation_maps(
            planted_model, engine, normalise(pixels, planted_model.preprocessing)[None]
        )
        mass = np.maximum(part.values, 0)
        side = len(mass) // 2
        shares.append(mass[row * side :, column * side :][:side, :side].sum() / mass.sum())
    assert np.mean(shares) >= 0.9
    assert min(shares) >= 0.75


def test_what_was_learned_passes_and_what_was_not_does_not(
    planted_model: SealedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    views = []
    for i in range(3):
        pixels = planted.noise(np.random.default_rng(i))
        planted.plant(pixels, 20 + 30 * i, 80 - 30 * i)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        views.append(look(tmp_path / f"{i}.png", planted_model.preprocessing))
    explainer = Explainer(planted_model)
    trust = check(explainer, views, ["cam", "grad-cam"], None)
    assert [(f.test, f.method) for f in trust.findings] == [
        *[("completeness", "integrated-gradients")] * 3,
        ("randomisation", "cam"),
        ("randomisation", "grad-cam"),
    ]
    assert trust.passed, [finding.words for finding in trust.findings]
    assert "planted patch" in trust.untested[0]

    monkeypatch.setattr(checks, "randomised", lambda model, seed: model)  # a map that weights do not change
    stuck = check(explainer, views[:1], ["cam"], None)
    assert not stuck.passed
    assert stuck.findings[-1].figures["correlation"] == pytest.approx(1)


def test_a_sum_that_misses_fails(tiny_model: SealedModel, make_picture: MakePicture) -> None:
    view = look(make_picture("x.png"), tiny_model.preprocessing)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradients, "TOLERANCE", 1e-7)
        patch.setattr(gradients, "_MOST_STEPS", 8)
        trust = check(Explainer(tiny_model), [view], [], None)
    assert not trust.passed


def test_command(
    tiny_model: SealedModel,
    tmp_path: Path,
    make_picture: MakePicture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny_model.save(tmp_path / "m.safetensors")

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["googlenet", "explain", "--check", str(tmp_path / "m.safetensors"), *words])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), capsys.readouterr().out
        return 0, capsys.readouterr().out

    image = str(make_picture("x.png"))
    code, out = run(image, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["passed"]
    assert document["findings"][0]["test"] == "completeness"
    assert "4 places" in document["untested"][0]
    assert run(image)[1].startswith("passed  completeness")
    _stop_at_eight_steps(monkeypatch)
    assert run(image)[0] == 1


def _stop_at_eight_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients, "TOLERANCE", 1e-7)
    monkeypatch.setattr(gradients, "_MOST_STEPS", 8)
