"""What a crop costs: 144 (and 10) crops of photographs beside one crop of each, in one run.

    python benchmarks/crops.py MODEL.safetensors FOLDER

FOLDER is a data set as ``googlenet evaluate`` takes it. One crop of many photographs and 144 crops of few take turns,
so that both see the same machine; the figure is crops per second, files read and decoded included.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from googlenet.data.index import read_dataset
from googlenet.evaluation.protocol import judge
from googlenet.weights.convert import open_model

ROUNDS = 5
IMAGES = {1: 192, 10: 24, 144: 2}  # about as many crops each


def main() -> None:
    """Measure and print."""
    model = open_model(Path(sys.argv[1]))
    dataset = read_dataset(Path(sys.argv[2]), classes=model.classes)
    order = np.random.default_rng(0).permutation(len(dataset))
    speeds: dict[int, list[float]] = {crops: [] for crops in IMAGES}
    for _ in range(ROUNDS):
        for crops, images in IMAGES.items():
            indices = np.resize(order, images)
            started = perf_counter()
            judge([model], dataset, indices, crops=(crops,))
            speeds[crops].append(crops * images / (perf_counter() - started))
    for crops, found in speeds.items():
        ratio = median(several / one for several, one in zip(found, speeds[1], strict=True))
        print(
            f"{crops:4} crops of {IMAGES[crops]:3} photographs: {median(found):5.1f} crops/s, {ratio:.0%} of one crop's"
        )


if __name__ == "__main__":
    main()
