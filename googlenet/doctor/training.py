"""The check before a training: of a data set that is read already, without a second look at the files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from googlenet.data.index import Dataset
from googlenet.data.listing import Listing
from googlenet.doctor.diagnose import diagnose
from googlenet.doctor.findings import KINDS, Diagnosis


def check_dataset(source: Path, dataset: Dataset) -> Diagnosis:
    """What is wrong with ``dataset``, which was read from ``source`` and decoded; its splits count, drawn ones too."""
    if dataset.looks is None:
        raise ValueError("the data set was read without verify, so that nothing is known of its pictures")
    words = [dataset.classes[label].id for label in dataset.labels.tolist()]
    listing = Listing(
        root=dataset.root,
        paths=dataset.paths,
        words=words,
        splits=dataset.splits.tolist(),
        class_words=[name.id for name in dataset.classes],
        skipped=list(dataset.skipped),
    )
    return diagnose(source, listing, dataset.looks)


def summary(diagnosis: Diagnosis) -> Iterator[str]:
    """One line for each error, one for all warnings together: what a person should read before the training starts."""
    for finding in diagnosis.findings:
        if finding.severity == "error":
            first = finding.items[0]
            example = f"{', '.join(first.paths[:2])}: {first.detail}" if first.paths else first.detail
            yield f"check: {len(finding.items)} × {KINDS[finding.kind].title} ({finding.kind}), such as {example}"
    warnings = [f"{len(f.items)} × {f.kind}" for f in diagnosis.findings if f.severity == "warning"]
    if warnings:
        yield f"check: worth a look: {', '.join(warnings)}"
    if diagnosis.serious or warnings:
        command = shlex.join(["googlenet", "check", str(diagnosis.source), "--page", "check.html"])
        yield f"check: all of it, with pictures, but for copies in splits that are drawn: {command}"
