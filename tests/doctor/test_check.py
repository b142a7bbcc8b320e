"""Planted faults are found, each by its name and nothing else with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from googlenet.doctor.diagnose import check
from googlenet.doctor.findings import Diagnosis
from googlenet.errors import DataError, SettingsError
from tests.doctor.planted import FAULTS, TIMES, clean, scene


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean(tmp_path_factory.mktemp("sound") / "数据 📁")


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "数据 📁"))


def paths(diagnosis: Diagnosis, kind: str) -> list[str]:
    return [
        path for finding in diagnosis.findings if finding.kind == kind for item in finding.items for path in item.paths
    ]


def test_nothing_is_found_in_a_sound_folder(sound: Path) -> None:
    diagnosis = check(sound)
    assert diagnosis.counts() == {}
    assert diagnosis.images == 60
    assert not diagnosis.serious


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_is_found_and_nothing_else(fault: str, folder: Path) -> None:
    before = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    kind, plant, count = FAULTS[fault]
    plant(folder)
    planted = {path.relative_to(folder).as_posix() for path in folder.rglob("*")} - before
    diagnosis = check(folder)
    assert diagnosis.counts() == {kind: count}
    if kind != "empty-class":
        assert set(paths(diagnosis, kind)) == planted


def test_all_faults_at_once(folder: Path) -> None:
    expected: dict[str, int] = {}
    for kind, plant, count in FAULTS.values():
        plant(folder)
        expected[kind] = expected.get(kind, 0) + count
    diagnosis = check(folder)
    assert diagnosis.counts() == expected
    assert diagnosis.serious
    only = check(folder, only=("tiny", "hidden"))
    assert only.counts() == {"tiny": TIMES, "hidden": TIMES}
    assert not only.serious


def put(root: Path, counts: dict[str, int]) -> Path:
    seed = 0
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            scene(seed := seed + 1).save(root / name / f"{i}.jpg")
    return root


def test_classes_of_splits(tmp_path: Path) -> None:
    trained = {f"train/c{i}": 10 for i in range(20)}
    judged = {f"test/c{i}": 1 for i in range(10, 30)}
    diagnosis = check(put(tmp_path / "data", trained | judged))
    assert diagnosis.counts() == {"untrained-class": 10, "unjudged-class": 10}
    assert diagnosis.classes["c29"] == 1


def test_small_classes(tmp_path: Path) -> None:
    diagnosis = check(put(tmp_path / "data", {"large": 90, "small": 9, "enough": 10}))
    assert diagnosis.counts() == {"few-images": 1, "imbalance": 1}


def test_numbers_that_sort_differently_as_text(tmp_path: Path) -> None:
    out_of_order = check(put(tmp_path / "a", {str(i): 10 for i in range(7, 12)}))
    assert out_of_order.counts() == {"numeric-classes": 5}
    assert list(out_of_order.classes) == ["7", "8", "9", "10", "11"]
    assert check(put(tmp_path / "b", {f"{i:02}": 10 for i in range(7, 12)})).counts() == {}


def test_a_csv_and_a_tiff_that_lies(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 3
    rows = ["path,label"]
    for i in range(20):
        scene(i).save(tmp_path / f"{i}.tif", exif=exif)
        rows.append(f"{i}.tif,{'cat' if i % 2 else 'dog'}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    assert check(tmp_path / "list.csv").counts() == {"turned": 20}


def test_only_bad_images_are_a_diagnosis_and_none_a_mistake(tmp_path: Path) -> None:
    for i in range(3):
        path = tmp_path / "data" / f"c{i}" / "x.jpg"
        path.parent.mkdir(parents=True)
        path.write_text("no picture")
    assert check(tmp_path / "data").counts() == {"unreadable": 3, "empty-class": 3}
    (tmp_path / "none" / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match=r"holds no images \(0 other files\)"):
        check(tmp_path / "none")
    with pytest.raises(SettingsError, match=r"--only is 'dupes'; known are: unreadable, "):
        check(tmp_path / "data", only=["dupes"])
