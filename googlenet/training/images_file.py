"""Which images a run was given: ``images.csv`` in its folder, so that another day's can be compared with them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from googlenet.data.index import Dataset, Split
from googlenet.errors import TrainingError
from googlenet.saving import atomic_write

IMAGES_FILE = "images.csv"

Row = tuple[str, str, str]  # label, split, content


def write_images(dataset: Dataset, folder: Path) -> None:
    """Write path, label, split and content (the first 8 bytes of the SHA-256, in hex) of every image."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("path", "label", "split", "content"))
    writer.writerows((path, *row) for path, row in _rows(dataset).items())
    atomic_write(folder / IMAGES_FILE, [text.getvalue().encode("utf-8", "surrogateescape")])


def data_differences(dataset: Dataset, folder: Path) -> list[str]:
    """What of ``dataset`` is not as the run in ``folder`` had it, in words, one for each kind of difference.

    Raises ``TrainingError`` where ``images.csv`` cannot be read.
    """
    then, now = _read(folder / IMAGES_FILE), _rows(dataset)
    both = [path for path in then if path in now]
    kinds = {
        "gone": [path for path in then if path not in now],
        "new": [path for path in now if path not in then],
        "of another label": [path for path in both if then[path][0] != now[path][0]],
        "in another split": [path for path in both if then[path][1] != now[path][1]],
        "of another content": [path for path in both if then[path][2] != now[path][2]],
    }
    return [
        f"{len(paths)} {'image is' if len(paths) == 1 else 'images are'} {kind}, {paths[0]!r} is the first"
        for kind, paths in kinds.items()
        if paths
    ]


def _rows(dataset: Dataset) -> dict[str, Row]:
    classes = [name.id for name in dataset.classes]
    columns = zip(dataset.paths, dataset.labels.tolist(), dataset.splits.tolist(), dataset.ids.tolist(), strict=True)
    return {
        path: (classes[label], Split(split).name.lower(), f"{content:016x}") for path, label, split, content in columns
    }


def _read(path: Path) -> dict[str, Row]:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            return {row[0]: (row[1], row[2], row[3]) for row in list(csv.reader(file))[1:]}
    except (OSError, IndexError, csv.Error) as error:
        raise TrainingError(f"{path}: cannot be read ({error}); the run's images cannot be compared") from error
