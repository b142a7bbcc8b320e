"""The endless stream of training samples, each a function of its position alone.

Epoch after epoch, each a permutation keyed by (seed, epoch). The sample at position p of N images is image
``permutation(seed, p // N)[p % N]``, changed by draws keyed by (seed, p // N, sample id), whoever asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from googlenet.data.augment import AugmentSettings, augment
from googlenet.data.cache import DecodedImages
from googlenet.data.draws import generator
from googlenet.data.index import Dataset
from googlenet.errors import DataError


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples for training. The trainer normalises the images on its device, where that is cheapest."""

    images: NDArray[np.uint8]  # (N, size, size, 3), RGB, contiguous; not normalised
    labels: NDArray[np.int64]  # (N,)
    indices: NDArray[np.int64]  # (N,), in the data set


class SampleStream:
    """The endless stream of training samples; random access by position."""

    def __init__(
        self,
        dataset: Dataset,
        indices: NDArray[np.int64],
        augmentation: AugmentSettings,
        *,
        seed: int,
        images: DecodedImages,
    ) -> None:
        if not len(indices):
            raise DataError(f"{dataset.root}: has no images for training; add some to the training split")
        self.dataset = dataset
        self.indices = indices
        self.augmentation = augmentation
        self.seed = seed
        self.images = images
        self._order = lru_cache(maxsize=2)(self._permutation)

    def index(self, position: int) -> int:
        """Which image of the data set stands at this position."""
        epoch, place = divmod(position, len(self.indices))
        return int(self.indices[self._order(epoch)[place]])

    def pixels(self, position: int, size: int) -> NDArray[np.uint8]:
        """The changed picture at this position: uint8 (size, size, 3)."""
        i = self.index(position)
        draws = generator(self.seed, position // len(self.indices), int(self.dataset.ids[i]))
        image = self.images.get(int(self.dataset.ids[i]), self.dataset.path(i))
        return augment(image, self.augmentation, size, draws)

    def batch(self, positions: range, size: int) -> Batch:
        """The samples at these positions, ``size`` pixels wide and high."""
        pixels = np.empty((len(positions), size, size, 3), np.uint8)
        for row, position in enumerate(positions):
            pixels[row] = self.pixels(position, size)
        indices = np.array([self.index(position) for position in positions], np.int64)
        return Batch(pixels, self.dataset.labels[indices].astype(np.int64), indices)

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        return generator(self.seed, epoch).permutation(len(self.indices))
