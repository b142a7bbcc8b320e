"""Exports beside the sealed model on real photographs: the greatest difference of a logit, and the agreement.

    python benchmarks/export_parity.py MODEL.safetensors DATA EXPORT…

On the validation and the test images of DATA, 500 at the most. Differences are fractions of the largest logit.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from googlenet.cli.options import split_seed
from googlenet.data.batches import evaluation_batches
from googlenet.data.index import Split, read_dataset
from googlenet.engines import open_engine
from googlenet.errors import GoogLeNetError
from googlenet.export.opening import open_for_answers
from googlenet.weights.model_file import read_model

MOST = 500


def main() -> None:
    """Compare and print one line per export."""
    model, data, *exports = sys.argv[1:]
    sealed = read_model(Path(model))
    dataset = read_dataset(Path(data), seed=split_seed(sealed, None), classes=sealed.classes, verify=False)
    indices = np.concatenate([dataset.select(Split.VAL), dataset.select(Split.TEST)])[:MOST]
    paths = [dataset.path(int(i)) for i in indices]
    batches = [batch.images for batch in evaluation_batches(paths, sealed.preprocessing, batch_size=50)]
    engine = open_engine(sealed)
    expected = np.concatenate([engine.logits(images) for images in batches])
    accuracy = (expected.argmax(1) == dataset.labels[indices]).mean()
    print(f"{model}: {len(paths)} photographs, {100 * accuracy:.1f} % right")
    for export in exports:
        try:
            opened = open_for_answers(Path(export))[1]()
        except GoogLeNetError as error:  # the others may be sound
            print(f"{export}: cannot be compared: {error}", flush=True)
            continue
        found = np.concatenate([opened.logits(images) for images in batches])
        difference = np.abs(found - expected).max() / np.abs(expected).max()
        agreement = (found.argmax(1) == expected.argmax(1)).mean()
        accuracy = (found.argmax(1) == dataset.labels[indices]).mean()
        print(
            f"{export}: logits differ by {difference:.1e}, agrees in {100 * agreement:.1f} %, "
            f"{100 * accuracy:.1f} % right",
            flush=True,
        )


if __name__ == "__main__":
    main()
