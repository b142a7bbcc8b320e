"""What the numbers of images of each class tell."""

from __future__ import annotations

from collections.abc import Iterator

from natsort import natsorted

from googlenet.data.listing import NOT_GIVEN, Listing, Split
from googlenet.doctor.files import Case
from googlenet.doctor.findings import Item

_FEW = 10  # training images
_IMBALANCE = 10  # the largest class / this one

Counts = dict[str, list[int]]
"""Class -> images for training, validation and test; where no split is given, all are for training."""


def class_counts(listing: Listing) -> Counts:
    """Count the usable images."""
    counts = {word: [0] * len(Split) for word in natsorted({*listing.class_words, *listing.words})}
    for word, split in zip(listing.words, listing.splits, strict=True):
        counts[word][Split.TRAIN if split == NOT_GIVEN else split] += 1
    return counts


def class_cases(counts: Counts) -> Iterator[Case]:
    """Empty, untrained, unjudged, small and numbered classes."""
    held_out = [split for split in (Split.VAL, Split.TEST) if any(row[split] for row in counts.values())]
    largest = max((row[Split.TRAIN] for row in counts.values()), default=0)
    for word, row in counts.items():
        train = row[Split.TRAIN]
        if not any(row):
            yield "empty-class", Item(f"class {word!r} has no usable image")
        elif not train:
            yield "untrained-class", Item(f"class {word!r} has {sum(row)} images to judge, none to train")
        else:
            if missing := [split.name.lower() for split in held_out if not row[split]]:
                yield "unjudged-class", Item(f"class {word!r} has no images for {' and '.join(missing)}")
            if train < _FEW:
                yield "few-images", Item(f"class {word!r} has {train} training images")
            if train * _IMBALANCE <= largest:
                yield "imbalance", Item(f"class {word!r} has {train} training images, the largest class {largest}")
    yield from _numbered([word for word, row in counts.items() if any(row)])


def _numbered(words: list[str]) -> Iterator[Case]:
    if not all(word.isascii() and word.isdigit() for word in words):
        return
    as_text = {word: place for place, word in enumerate(sorted(words))}
    for place, word in enumerate(words):
        if place != as_text[word]:
            detail = f"class {word!r} is number {place} here, number {as_text[word]} for tools that sort as text"
            yield "numeric-classes", Item(detail)
