"""The check before a training says the same as ``googlenet check``, from what was read already."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from googlenet.data.index import Split, read_dataset
from googlenet.doctor.diagnose import check
from googlenet.doctor.training import check_dataset, summary
from tests.doctor.planted import FAULTS, TIMES, clean


def test_the_same_as_check(tmp_path: Path) -> None:
    data = clean(tmp_path / "data")
    for fault in ("cut short", "tiny", "EXIF turn", "hidden"):
        FAULTS[fault][1](data)
    diagnosis = check_dataset(data, read_dataset(data))
    assert diagnosis.counts() == check(data).counts()
    lines = list(summary(diagnosis))
    assert lines[0].startswith(f"check: {TIMES} × files that cannot be used (unreadable), such as ")
    assert lines[1] == f"check: worth a look: {TIMES} × tiny"
    assert f"googlenet check {data} --page check.html" in lines[2]
    assert list(summary(check_dataset(tmp_path, read_dataset(clean(tmp_path / "good"))))) == []


def test_near_copies_in_drawn_splits_are_leaks(tmp_path: Path) -> None:
    data = clean(tmp_path / "data")
    dataset = read_dataset(data)
    tested = [dataset.path(int(i)) for i in dataset.select(Split.TEST)]
    for path in tested:
        with Image.open(path) as picture:
            picture.save(path.with_name(f"again {path.name}.webp"), quality=70)
    again = read_dataset(data)
    split = {again.path(i): int(again.splits[i]) for i in range(len(again))}
    apart = sum(split[path] != split[path.with_name(f"again {path.name}.webp")] for path in tested)
    assert apart > 0
    assert check_dataset(data, again).counts().get("near-leak") == apart


def test_without_looks_nothing_can_be_said(tmp_path: Path) -> None:
    data = clean(tmp_path / "data")
    with pytest.raises(ValueError, match="without verify"):
        check_dataset(data, read_dataset(data, verify=False))
