"""What the recipes decide: rates and sizes over the training, in the settings and in the batches."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose
from pathlib import Path

import numpy as np
import pytest

from googlenet.data.augment import AugmentSettings
from googlenet.data.batches import training_batches
from googlenet.data.index import Split, read_dataset
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import SettingsError
from googlenet.recipes import RECIPES, auto, digits, finetune, paper, recipe, scratch, suited, tutorial
from googlenet.settings import TrainSettings
from googlenet.training.schedule import image_size, learning_rate

Make = Callable[..., Path]


def test_the_papers_rate_falls_by_4_percent_every_8_epochs() -> None:
    settings = paper(epochs=80, learning_rate=0.01)
    by_epoch = [learning_rate(settings, (epoch + 0.5) / 80) for epoch in range(80)]
    assert len(set(by_epoch[:8])) == 1
    assert by_epoch[0] == 0.01
    assert all(isclose(late / early, 0.96) for early, late in zip(by_epoch, by_epoch[8:], strict=False))
    assert isclose(by_epoch[-1], 0.01 * 0.6925339958)  # 0.96^9


def test_the_tutorials_rate_stays() -> None:
    assert {learning_rate(tutorial(), progress / 10) for progress in range(11)} == {3e-4}


def test_pictures_grow_and_never_shrink() -> None:
    settings = scratch()
    sizes = [image_size(settings, progress / 1000) for progress in range(1001)]
    assert list(dict.fromkeys(sizes)) == [96, 128, 160]
    assert sizes == sorted(sizes)
    assert sizes[500:] == [160] * 501
    assert settings.sealed_size == 184


@pytest.mark.parametrize("make", [*RECIPES.values()])
@pytest.mark.parametrize("size", [64, 96, 224])
def test_every_recipe_takes_every_size(make: Callable[..., TrainSettings], size: int) -> None:
    settings = make(image_size=size)
    sizes = {image_size(settings, progress / 100) for progress in range(101)}
    assert min(sizes) >= 64
    assert max(sizes) == size <= settings.sealed_size


def test_auto_chooses_by_weights_and_by_the_number_of_images() -> None:
    weights = Path("trained.safetensors")
    assert suited(recipe(None, weights=weights), 2000) == finetune(weights=weights)
    assert suited(recipe("auto", weights=None), 2000) == scratch()
    assert [suited(auto(), images).epochs for images in (20, 500, 8000, 10**7)] == [500, 200, 50, 20]
    assert suited(recipe(None, weights=weights, epochs=4), 500) == finetune(weights=weights, epochs=4)
    assert suited(scratch(), 500) == scratch()


def test_one_size_where_nothing_grows() -> None:
    assert digits().only_size == 64
    assert paper().only_size == 224
    assert scratch().only_size is None


def test_a_first_size_above_the_last_is_refused() -> None:
    with pytest.raises(SettingsError, match="200"):
        scratch(image_size=160, first_size=200)


def test_batches_are_of_the_size_of_their_position_from_wherever_they_begin(colour_folder: Make) -> None:
    dataset = read_dataset(colour_folder(per_class=20))
    indices = dataset.select(Split.TRAIN)

    def sizes(position: int) -> int:
        return 64 if position < 16 else 96

    def batches(start: int, count: int) -> list[np.ndarray]:
        stream = training_batches(
            dataset,
            indices,
            Preprocessing(),
            AugmentSettings(erase=0.5, any_filter=True, photometric=True),
            batch_size=8,
            seed=3,
            start=start,
            image_size=sizes,
        )
        found = [next(stream).images for _ in range(count)]
        stream.close()
        return found

    whole, rest = batches(0, 4), batches(16, 2)
    assert [images.shape[1] for images in whole] == [64, 64, 96, 96]
    assert all(np.array_equal(one, other) for one, other in zip(whole[2:], rest, strict=True))
