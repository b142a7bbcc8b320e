"""A widened network answers as the narrow one did, head by head, and what is new in it is not zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import Spec
from googlenet.variants import batch_norm, naive, paper
from googlenet.weights.widen import widened, wider_spec
from tests.conftest import random_tensors


def _answers(spec: Spec, tensors: Any, images: torch.Tensor) -> dict[str, torch.Tensor]:
    net = GoogLeNet(spec).eval()
    net.load_canonical(tensors)
    with torch.no_grad():
        return net.activations(images, spec.outputs.values())


@pytest.mark.parametrize("make", [paper, batch_norm, naive])
@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_the_answers_stay(make: Any, factor: float) -> None:
    spec = make(5).scaled(1 / 8)
    wide, tensors = wider_spec(spec, factor), random_tensors(spec)
    fresh = random_tensors(wide, seed=1)
    found = widened(tensors, spec, wide, fresh)
    assert {name: value.shape for name, value in found.items()} == wide.tensors
    images = torch.from_numpy(np.random.default_rng(2).standard_normal((2, 3, 224, 224)).astype(np.float32))
    answers, expected = _answers(wide, found, images), _answers(spec, tensors, images)
    assert set(answers) == set(spec.outputs.values())
    for name, value in expected.items():
        torch.testing.assert_close(answers[name], value, rtol=1e-4, atol=1e-4 * float(value.abs().max()))


def test_new_kernels_begin_as_fresh_ones() -> None:
    spec = paper(5, aux_heads=False).scaled(1 / 8)
    wide = wider_spec(spec, 2)
    fresh = random_tensors(wide, seed=1)
    found = widened(random_tensors(spec), spec, wide, fresh)
    name = "inception_4a/3x3/weight"
    old = spec.tensors[name][0]
    assert wide.tensors[name][0] == 2 * old
    assert np.array_equal(found[name][old:], fresh[name][old:])
    assert wide.stem == spec.stem
    assert wide.parameter_count > 3 * spec.parameter_count - sum(
        np.prod(spec.tensors[n]) for n in spec.tensors if "conv" in n
    )
