"""Wrong labels stand out against a classifier that never saw them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from googlenet.data.examine import examine
from googlenet.data.index import list_images
from googlenet.data.preprocess import Preprocessing
from googlenet.doctor.diagnose import check
from googlenet.evaluation.doubtful import doubtful_labels, out_of_fold
from googlenet.spec import FEATURES


class Colours:
    """An engine whose features are the picture's mean colour, over and over."""

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        raise NotImplementedError

    def activations(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        assert tuple(names) == (FEATURES,)
        return {FEATURES: np.tile(images.mean((2, 3)), (1, 200))[:, :, None, None]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Red, green and blue noise, sixty each; two of the red lie under blue, once as two copies of the same bytes."""
    rng = np.random.default_rng(0)
    for channel, label in enumerate(("red", "green", "blue", "few")):
        (tmp_path / "data" / label).mkdir(parents=True)
        for i in range(9 if label == "few" else 60):
            pixels = rng.integers(0, 120, (40, 40, 3))
            pixels[..., channel % 3] += 110
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "data" / label / f"{i}.png")
    for i in range(2):
        (tmp_path / "data" / "red" / f"{i}.png").rename(tmp_path / "data" / "blue" / f"红 {i}.png")
    (tmp_path / "data" / "blue" / "again.png").write_bytes((tmp_path / "data" / "blue" / "红 0.png").read_bytes())
    return tmp_path / "data"


def test_wrong_labels_are_named(data: Path) -> None:
    seen: list[tuple[int, int]] = []

    def more(listing, looks):  # type: ignore[no-untyped-def]
        preprocessing = Preprocessing(resize_size=32, crop_size=32)
        return doubtful_labels(Colours(), preprocessing, listing, looks, progress=lambda *part: seen.append(part))

    diagnosis = check(data, only=("doubtful-label",), more=more)
    (finding,) = diagnosis.findings
    assert sorted(item.paths[0] for item in finding.items) == ["blue/again.png", "blue/红 0.png", "blue/红 1.png"]
    assert all("labelled 'blue', looks like 9" in item.detail and "'red'" in item.detail for item in finding.items)
    assert seen[-1] == (181, 181)  # nine images of a class are too few to judge it


def test_nothing_to_compare(tmp_path: Path) -> None:
    for i in range(12):
        path = tmp_path / "one" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (40, 40), (i, 0, 0)).save(path)
    listing = list_images(tmp_path)
    looks = examine(listing, verify=True)
    assert list(doubtful_labels(Colours(), Preprocessing(), listing, looks)) == []


def test_no_image_is_judged_by_itself_or_its_copy() -> None:
    """Random labels cannot be predicted out of fold, though a classifier could learn them by heart."""
    rng = np.random.default_rng(0)
    features = np.repeat(rng.standard_normal((60, 200)).astype(np.float32), 2, axis=0)
    labels = np.repeat(rng.integers(0, 2, 60), 2)
    ids = np.repeat(rng.integers(0, 2**63, 60, dtype=np.uint64), 2)
    probabilities = out_of_fold(features, labels, ids, 2)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert (probabilities.argmax(1) == labels).mean() < 0.75
    apart = out_of_fold(features, labels, np.arange(120, dtype=np.uint64), 2)
    assert (apart.argmax(1) == labels).mean() > 0.95
