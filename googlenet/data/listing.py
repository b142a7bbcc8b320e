"""What a source lists before any file is opened: paths, the words for their classes, the splits where given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path


class Split(IntEnum):
    """What an image is used for."""

    TRAIN = 0
    VAL = 1
    TEST = 2


NOT_GIVEN = -1
"""In place of a ``Split``: the source does not say."""

SPLIT_WORDS = {
    "train": Split.TRAIN,
    "val": Split.VAL,
    "valid": Split.VAL,
    "validation": Split.VAL,
    "test": Split.TEST,
}


@dataclass(frozen=True)
class Skipped:
    """One bad file and why it is not used, in one line."""

    path: Path
    reason: str


@dataclass
class Listing:
    """Parallel lists, one entry per image; ``paths`` are relative to ``root`` or absolute."""

    root: Path
    paths: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)  # the class, as the source calls it
    splits: list[int] = field(default_factory=list)  # Split or NOT_GIVEN
    class_words: list[str] = field(default_factory=list)  # every class the source has, with images or without
    skipped: list[Skipped] = field(default_factory=list)
    ignored: int = 0  # files whose extension is no image's
    notes: list[str] = field(default_factory=list)

    def add(self, path: str, word: str, split: int) -> None:
        """List one image."""
        self.paths.append(path)
        self.words.append(word)
        self.splits.append(split)

    def keep(self, positions: Iterable[int]) -> None:
        """Forget all images but those at ``positions``."""
        positions = list(positions)
        self.paths = [self.paths[i] for i in positions]
        self.words = [self.words[i] for i in positions]
        self.splits = [self.splits[i] for i in positions]


def quoted(words: Iterable[str], limit: int = 5) -> str:
    """«'a', 'b' and 3 more»: names for a message, in one line however many there are."""
    words = list(words)
    text = ", ".join(repr(word) for word in words[:limit])
    return text if len(words) <= limit else f"{text} and {len(words) - limit} more"
