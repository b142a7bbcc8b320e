"""Which images a run was given: ``images.csv`` in its folder, so that another day's can be compared with them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from googlenet.data.index import Dataset, Split
from googlenet.errors import TrainingError
from googlenet.saving import atomic_write

IMAGES_FILE = "images.csv"

_IMAGES = ("image is", "images are")

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
    classes = [{label: None for label, *_ in rows.values()} for rows in (then, now)]
    kinds = {
        ("class is", "classes are", "gone"): [label for label in classes[0] if label not in classes[1]],
        ("class is", "classes are", "new"): [label for label in classes[1] if label not in classes[0]],
        (*_IMAGES, "gone"): [path for path in then if path not in now],
        (*_IMAGES, "new"): [path for path in now if path not in then],
        (*_IMAGES, "of another label"): [path for path in both if then[path][0] != now[path][0]],
        (*_IMAGES, "in another split"): [path for path in both if then[path][1] != now[path][1]],
        (*_IMAGES, "of another content"): [path for path in both if then[path][2] != now[path][2]],
    }
    return [
        f"{len(found)} {one if len(found) == 1 else more} {kind}, {found[0]!r} is the first"
        for (one, more, kind), found in kinds.items()
        if found
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
