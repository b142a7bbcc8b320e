"""What a crop costs: 144 (and 10) crops of photographs beside one crop of each, in one run.

    python benchmarks/crops.py MODEL.safetensors FOLDER

FOLDER is a data set as ``googlenet evaluate`` takes it. One crop of many photographs and 144 crops of few take turns,
so that both see the same machine; the figures are crops per second and processor time per crop, files read and decoded
included. The processor time hardly changes where others use the machine too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

from googlenet.data.index import read_dataset
from googlenet.evaluation.protocol import judge
from googlenet.weights.convert import open_model

ROUNDS = 7
IMAGES = {1: 96, 10: 10, 144: 1}  # about as many crops each


def main() -> None:
    """Measure and print."""
    model = open_model(Path(sys.argv[1]))
    dataset = read_dataset(Path(sys.argv[2]), classes=model.classes)
    order = np.random.default_rng(0).permutation(len(dataset))
    walls: dict[int, list[float]] = {crops: [] for crops in IMAGES}
    processors: dict[int, list[float]] = {crops: [] for crops in IMAGES}
    for number in range(ROUNDS):
        for crops, images in IMAGES.items():
            indices = np.roll(order, -number * 11)[:images]
            wall, processor = perf_counter(), process_time()
            judge([model], dataset, indices, crops=(crops,))
            walls[crops].append((perf_counter() - wall) / (crops * images))
            processors[crops].append((process_time() - processor) / (crops * images))
    for crops in IMAGES:
        ratio, work = (
            median(one / several for one, several in zip(found[1], found[crops], strict=True))
            for found in (walls, processors)
        )
        print(
            f"{crops:4} crops: {1 / median(walls[crops]):5.1f} crops/s, ratio {ratio:.2f}; "
            f"{1000 * median(processors[crops]):.1f} ms of processor time, ratio {work:.2f}"
        )


if __name__ == "__main__":
    main()
