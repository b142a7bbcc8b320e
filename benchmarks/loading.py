"""Images per second and core that training is given, beside torchvision: python benchmarks/loading.py FOLDER [IMAGES]

FOLDER holds class folders of photographs, of which every so-many-th is taken, IMAGES (500) in all. The peer:
torchvision's ``ImageFolder``, ``RandomResizedCrop(224)``, ``RandomHorizontalFlip``, ``ToTensor``. Ours: the samples of
``googlenet train`` (decoded to a shorter side of 256 or somewhat more, crop of the same areas, flip; uint8), from the
files, then from the cache, which is filled before. One thread; all take turns with the same 100 photographs at a time;
the ratios of the medians are what counts. Last, what of the peer's time is Pillow's bare decoding, in full and in the
draft that ours asks for: nothing that decodes with Pillow can be faster. Ours does so only where simplejpeg is missing.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from PIL import Image
from torchvision import transforms
from torchvision.datasets import ImageFolder

from googlenet.data.augment import AugmentSettings, augment
from googlenet.data.cache import DecodedImages
from googlenet.data.draws import generator
from googlenet.data.look import content_id
from googlenet.training.memory import keep_memory

SIZE, SHORTER_SIDE, PART, ROUNDS = 224, 256, 100, 3
AREA = (0.08, 1.0)  # torchvision's default


def main(folder: Path, count: int) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    keep_memory()  # as every training does; the peer gains by it as well
    peer = ImageFolder(str(folder), transform=peer_transform())
    chosen = np.linspace(0, len(peer) - 1, min(count, len(peer)), dtype=int)
    paths = [Path(peer.samples[i][0]) for i in chosen]
    ids = [content_id(path.read_bytes()) for path in paths]
    with tempfile.TemporaryDirectory() as kept:
        from_files = DecodedImages(SHORTER_SIDE, "exif")
        from_cache = DecodedImages(SHORTER_SIDE, "exif", folder=Path(kept))
        for id, path in zip(ids, paths, strict=True):
            from_cache.get(id, path)
        take_turns(
            {
                "torchvision": lambda i: peer[chosen[i]],
                "ours, from the files": lambda i: ours(from_files, ids[i], paths[i]),
                "ours, from the cache": lambda i: ours(from_cache, ids[i], paths[i]),
                "bare decoding in full": lambda i: decode(paths[i], draft=False),
                "bare decoding in the draft": lambda i: decode(paths[i], draft=True),
            },
            len(paths),
        )


def peer_transform() -> Callable[[Image.Image], torch.Tensor]:
    """What the tutorials do to a photograph in training."""
    return transforms.Compose(
        [transforms.RandomResizedCrop(SIZE, scale=AREA), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    )


def ours(images: DecodedImages, id: int, path: Path) -> np.ndarray:
    """The photograph as ``googlenet train`` changes it."""
    return augment(images.get(id, path), AugmentSettings(crop_area=AREA), SIZE, generator(id))


def decode(path: Path, *, draft: bool) -> None:
    """Pillow's part alone."""
    with Image.open(path) as image:
        if draft:
            image.draft(None, (SHORTER_SIDE, SHORTER_SIDE))
        image.convert("RGB")


def take_turns(works: dict[str, Callable[[int], object]], count: int) -> None:
    """Print each work's images per second, the median over parts of the photographs and rounds, and its ratio."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for first in [*range(0, count, PART)] * ROUNDS:
        part = range(first, min(first + PART, count))
        for name, work in works.items():
            start = perf_counter()
            for i in part:
                work(i)
            seconds[name].append((perf_counter() - start) / len(part))
    peer = median(seconds["torchvision"])
    for name, each in seconds.items():
        print(f"{name:27} {1 / median(each):6.0f} images/s   {peer / median(each):5.2f} x")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500)
