"""From the JPEG files of a folder to a CSV file, beside the network alone on images that are ready, in one run.

    python benchmarks/predict_folder.py MODEL.safetensors FOLDER [IMAGES]

Both take batches of 32 on onnxruntime, float32, and the same threads; they take turns, and the figure is the median of
the rounds' ratios. The process is warm: loading the model is not counted, on either side.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from googlenet.data.preprocess import prepare
from googlenet.engines import open_engine
from googlenet.evaluation.bulk import CHUNK, answer_all
from googlenet.evaluation.judge import Judge
from googlenet.evaluation.predict import find_images
from googlenet.evaluation.result_file import ResultFile
from googlenet.weights.model_file import read_model

ROUNDS = 5


def rate(images: int, call: Callable[[], object]) -> float:
    """Images per second of ``call``, which takes so many."""
    start = perf_counter()
    call()
    return images / (perf_counter() - start)


def main() -> None:
    """Measure and print."""
    model = read_model(Path(sys.argv[1]))
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 512
    paths = list(islice(cycle(find_images([sys.argv[2]], [])), count))
    engine, judge = open_engine(model), Judge(model, top=5)
    ready = np.stack([prepare(path, model.preprocessing) for path in paths[:CHUNK]])
    engine.logits(ready)
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(ROUNDS):
            out = ResultFile(Path(folder) / f"{i}.csv", top=5, with_set=False)
            alone = rate(count // CHUNK * CHUNK, lambda: [engine.logits(ready) for _ in range(count // CHUNK)])
            whole = rate(count, lambda: answer_all(judge, engine, model.preprocessing, paths, out, resume=False))  # noqa: B023
            pairs.append((whole, alone))
            print(f"{whole:.1f} images/s from files, {alone:.1f} the network alone: {whole / alone:.0%}", flush=True)
    print(f"median ratio {median(whole / alone for whole, alone in pairs):.0%}")


if __name__ == "__main__":
    main()
