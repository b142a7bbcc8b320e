"""The network in three pieces gives, head by head, what it gives in one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from googlenet.engines import open_engine
from googlenet.engines.staged_engine import HEADS, StagedEngine
from googlenet.errors import SettingsError, SpecError
from googlenet.spec import OUTPUTS
from googlenet.variants import batch_norm, paper, torchvision
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors


def _model(tiny_model: SealedModel, make: Any) -> SealedModel:
    spec = make(3).scaled(1 / 16)
    return replace(tiny_model, spec=spec, tensors=random_tensors(spec))


@pytest.mark.parametrize("make", [paper, batch_norm, torchvision])
def test_pieces_are_the_whole(tiny_model: SealedModel, make: Any) -> None:
    model = _model(tiny_model, make)
    staged = StagedEngine(model)
    images = np.random.default_rng(0).standard_normal((3, 3, 224, 224)).astype(np.float32)
    whole = open_engine(model).activations(images, list(OUTPUTS.values()))
    maps: Any = images
    for piece, head in enumerate(HEADS):
        logits, maps = staged.run(piece, maps)
        np.testing.assert_allclose(logits, whole[OUTPUTS[head]], rtol=1e-4, atol=1e-5)
    assert maps is None


def test_what_has_no_heads_or_is_too_small(tiny_model: SealedModel) -> None:
    with pytest.raises(SettingsError, match="has no auxiliary heads"):
        StagedEngine(tiny_model)
    with pytest.raises(SpecError):
        StagedEngine(_model(tiny_model, paper)).run(0, np.zeros((1, 3, 64, 64), np.float32))
