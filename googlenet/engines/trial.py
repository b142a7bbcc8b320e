"""One trial in a process of its own: ``python -m googlenet.engines.trial MODEL ENGINE PRECISION`` prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

from googlenet.engines import open_engine
from googlenet.engines.choosing import trial_images
from googlenet.weights.convert import open_model

_RUNS = 4


def main() -> None:
    """Run the engine on the trial images a few times; the fastest run counts, for others may use the machine."""
    path, name, precision = sys.argv[1:]
    model = open_model(Path(path))
    engine, images = open_engine(model, name, precision=precision), trial_images(model)
    logits, seconds = engine.logits(images), []
    for _ in range(_RUNS):
        start = perf_counter()
        engine.logits(images)
        seconds.append(perf_counter() - start)
    print(json.dumps({"logits": logits.tolist(), "images_per_second": len(images) / min(seconds)}))


if __name__ == "__main__":
    main()
