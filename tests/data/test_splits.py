from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from googlenet.data.listing import Split
from googlenet.data.splits import draw_splits, several_labels

Images = list[tuple[int, int]]  # label, content

images = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2**64 - 1) | st.integers(0, 20)), min_size=1, max_size=80)


def draw(images: Images, seed: int) -> NDArray[np.int8]:
    labels, ids = zip(*images, strict=True)
    return draw_splits(np.array(labels, np.int32), np.array(ids, np.uint64), seed)


@given(images, st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(images: Images, seed: int, random: object) -> None:
    before = dict(zip(images, draw(images, seed).tolist(), strict=True))
    shuffled = list(images)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert dict(zip(shuffled, draw(shuffled, seed).tolist(), strict=True)) == before


@given(images, st.integers(0, 2**32), st.integers(0, 79))
def test_copies_of_files_change_nothing_and_go_with_the_original(images: Images, seed: int, which: int) -> None:
    copied = [*images, images[which % len(images)]]
    splits = draw(copied, seed)
    assert np.array_equal(splits[:-1], draw(images, seed))
    assert splits[-1] == splits[which % len(images)]


@given(images, st.integers(0, 2**32))
def test_one_content_is_in_one_split_even_under_two_labels(images: Images, seed: int) -> None:
    contents: dict[int, set[int]] = {}
    for (_, content), split in zip(images, draw(images, seed).tolist(), strict=True):
        contents.setdefault(content, set()).add(split)
    assert all(len(splits) == 1 for splits in contents.values())


@given(images, st.integers(0, 2**32), st.permutations(range(5)))
def test_the_names_of_the_classes_do_not_matter(images: Images, seed: int, renamed: list[int]) -> None:
    other = [(renamed[label], content) for label, content in images]
    assert np.array_equal(draw(other, seed), draw(images, seed))


def test_a_tenth_each_exactly() -> None:
    for count, held_out in [(1, 0), (2, 0), (3, 1), (10, 1), (14, 1), (15, 2), (100, 10), (500, 50)]:
        splits = draw([(0, content) for content in range(count)], seed=0)
        counts = np.bincount(splits, minlength=3)
        assert counts.tolist() == [count - 2 * held_out, held_out, held_out], count


def test_another_seed_draws_others() -> None:
    images = [(0, content) for content in range(1000)]
    assert (draw(images, 1) != draw(images, 2)).mean() > 0.2


def test_only_the_missing_split_is_drawn() -> None:
    labels, ids = np.zeros(40, np.int32), np.arange(40, dtype=np.uint64)
    splits = draw_splits(labels, ids, 0, (Split.VAL,))
    assert np.bincount(splits, minlength=3).tolist() == [36, 4, 0]


def test_contents_under_several_labels_are_found() -> None:
    labels, ids = np.array([0, 1, 1, 0], np.int32), np.array([7, 7, 8, 9], np.uint64)
    assert several_labels(labels, ids).tolist() == [7]
