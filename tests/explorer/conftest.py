"""Small models at work on a small picture, and how to take a page apart."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from googlenet.data.classes import ClassName
from googlenet.data.preprocess import Preprocessing
from googlenet.engines.onnxruntime_engine import OnnxRuntimeEngine
from googlenet.spec import Spec
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors
from tests.explorer.browser import open_page  # noqa: F401 - a fixture

HOSTILE = "</script><img src=x onerror=alert(1)> & \"'\u2028"


def model_of(spec: Spec, size: int = 224) -> SealedModel:
    """Random weights; the first class has a name that would break out of a page."""
    names = [HOSTILE, *(f"class {i}" for i in range(1, spec.classes))]
    classes = tuple(ClassName(f"c{i}", name) for i, name in enumerate(names))
    preprocessing = Preprocessing(resize_size=size + 8, crop_size=size)
    model = SealedModel(spec, classes, preprocessing, random_tensors(spec), {})
    noise = np.random.default_rng(0).uniform(-1, 1, (1, 3, size, size)).astype(np.float32)
    calmer = {}
    for layer, logits in OnnxRuntimeEngine(model).activations(noise, tuple(spec.outputs.values())).items():
        calmer[f"{layer}/weight"] = model.tensors[f"{layer}/weight"] / logits.std()  # or every answer would be certain
    return replace(model, tensors={**model.tensors, **calmer})


def data_of(page: Path) -> dict[str, Any]:
    """What the page holds for its scripts."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"), re.S)
    document: dict[str, Any] = json.loads(text)
    return document


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Smooth colours with a bright disc: something for a network to see, drawn by a formula."""
    y, x = np.mgrid[0:240, 0:320] / 240
    disc = ((x - 0.5) ** 2 + (y - 0.45) ** 2 < 0.06)[..., None]
    ground = np.stack([np.sin(9 * x) * 90 + 120, np.cos(7 * y) * 80 + 110, (x + y) * 60 + 20], axis=-1)
    path = tmp_path_factory.mktemp("picture") / "disc.png"
    Image.fromarray(np.where(disc, (250, 210, 40), ground).clip(0, 255).astype(np.uint8)).save(path)
    return path
