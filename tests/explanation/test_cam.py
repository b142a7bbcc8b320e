"""Evidence adds up to the logit, whatever the variant and the size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from googlenet.data.classes import ClassName
from googlenet.data.preprocess import Preprocessing, prepare
from googlenet.engines import open_engine
from googlenet.explanation.cam import cam_layer, class_activation_maps, class_evidence
from googlenet.explanation.maps import answer_targets
from googlenet.spec import Spec
from googlenet.variants import batch_norm, naive, paper
from googlenet.weights.convert import open_model
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors

SPECS = [paper(5), batch_norm(2), naive(7), paper(1)]


def _model(spec: Spec) -> SealedModel:
    small = spec.without_heads().scaled(1 / 16)
    names = tuple(ClassName(str(i), str(i)) for i in range(small.classes))
    return SealedModel(small, names, Preprocessing(), random_tensors(small, 3), {})


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.variant}-{spec.classes}")
@pytest.mark.parametrize("size", [(96, 96), (64, 130)])
def test_map_and_bias_are_the_logit(spec: Spec, size: tuple[int, int]) -> None:
    model = _model(spec)
    images = np.random.default_rng(0).uniform(-1, 1, (3, 3, *size)).astype(np.float32)
    engine = open_engine(model)
    logits = engine.logits(images)
    for row, maps in zip(logits, class_activation_maps(model, engine, images), strict=True):
        best = np.sort(row)[::-1]
        expected = [best[0], best[0] - best[1]] if len(best) > 1 else [best[0]]
        assert [part.score for part in maps] == pytest.approx(expected, rel=1e-5)
        for part in maps:
            assert part.values.shape == model.spec.shapes(size)[cam_layer(model.spec)][1:]
            assert part.error is not None
            assert part.error <= 1e-5 * max(1, np.abs(row).max())
            assert part.values[part.top_cell] == part.values.max()


def test_each_cell_is_the_classifier_at_that_place(tiny_model: SealedModel) -> None:
    features = np.random.default_rng(1).uniform(0, 2, (64, 3, 2)).astype(np.float32)
    evidence = class_evidence(tiny_model, features, np.eye(3))
    weight = tiny_model.tensors["loss3/classifier/weight"]
    for row, column in np.ndindex(3, 2):
        assert evidence[:, row, column] == pytest.approx(weight @ features[:, row, column] / 6, rel=1e-5)


def test_the_answer_and_the_runner_up() -> None:
    logits = np.array([1, 4, 4, -2], np.float32)
    assert answer_targets(logits).tolist() == [[0, 1, 0, 0], [0, 1, -1, 0]]
    assert answer_targets(logits[:1]).tolist() == [[1]]


def test_real_weights_on_a_photograph(shared: Path) -> None:
    model = open_model(shared / "weights/bvlc_googlenet.caffemodel")
    image = prepare(shared / "imagenet-samples/caffe_cat.jpg", model.preprocessing)[None]
    engine = open_engine(model)
    ((answer, difference),) = class_activation_maps(model, engine, image)
    best = np.sort(engine.logits(image)[0])[::-1]
    assert answer.values.shape == (7, 7)
    assert answer.sum + (answer.constant or 0) == pytest.approx(best[0], abs=1e-4)
    assert difference.sum + (difference.constant or 0) == pytest.approx(best[0] - best[1], abs=1e-4)
