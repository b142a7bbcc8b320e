from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.data.classes import ClassName
from googlenet.data.index import Dataset, Split, read_dataset
from googlenet.errors import DataError

MakePicture = Callable[..., Path]
MakeFolder = Callable[[Mapping[str, int]], Path]


def split_of(dataset: Dataset) -> dict[str, int]:
    return dict(zip(dataset.paths, dataset.splits.tolist(), strict=True))


def test_a_folder_of_classes(make_folder: MakeFolder) -> None:
    dataset = read_dataset(make_folder({"10": 20, "9": 30}))
    assert [part.id for part in dataset.classes] == ["9", "10"]
    assert dataset.counts().tolist() == [[24, 3, 3], [16, 2, 2]]
    assert len(dataset) == len(dataset.select(None)) == 50
    assert len(dataset.select(Split.TEST)) == 5
    assert (dataset.skipped, dataset.notes, dataset.ignored) == ((), (), 0)
    for i in (0, 49):
        content = dataset.path(i).read_bytes()
        assert dataset.ids[i] == int.from_bytes(hashlib.sha256(content).digest()[:8], "little")
        assert dataset.classes[dataset.labels[i]].id == dataset.path(i).parent.name


def test_renaming_and_copying_files_keeps_their_split(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 20, "dog": 20})
    before = split_of(read_dataset(root, seed=5))
    for i in range(20):
        shutil.move(root / "cat" / f"{i}.png", root / "cat" / f"renamed {97 * i % 41}.png")
    shutil.copy(root / "dog" / "3.png", root / "dog" / "copy.png")
    after = split_of(read_dataset(root, seed=5))
    for i in range(20):
        assert after[f"cat/renamed {97 * i % 41}.png"] == before[f"cat/{i}.png"]
    assert after["dog/copy.png"] == before["dog/3.png"] == after["dog/3.png"]


def test_identical_files_under_two_classes_train_and_are_noted(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 20, "dog": 20})
    shutil.copy(root / "dog" / "3.png", root / "cat" / "three.png")
    dataset = read_dataset(root)
    assert split_of(dataset)["cat/three.png"] == split_of(dataset)["dog/3.png"] == Split.TRAIN
    assert "1 images lie under several classes, such as 'cat/three.png', 'dog/3.png'" in dataset.notes[0]


def test_given_splits_are_kept(make_folder: MakeFolder) -> None:
    dataset = read_dataset(make_folder({"train/a": 3, "train/b": 2, "val/a": 1, "test/b": 1}))
    assert dataset.counts().tolist() == [[3, 1, 0], [2, 0, 1]]


def test_a_class_missing_from_val_shifts_no_label(make_folder: MakeFolder) -> None:
    dataset = read_dataset(make_folder({"train/a": 3, "train/b": 3, "train/c": 3, "val/a": 1, "val/c": 2, "test/b": 1}))
    val = dataset.select(Split.VAL)
    assert [dataset.classes[label].id for label in dataset.labels[val]] == ["a", "c", "c"]


def test_missing_val_and_test_are_taken_from_train(make_folder: MakeFolder) -> None:
    assert read_dataset(make_folder({"train/a": 20, "train/b": 10, "test/a": 4})).counts().tolist() == [
        [18, 2, 4],
        [9, 1, 0],
    ]


def test_train_alone_is_split_like_a_folder_of_classes(make_folder: MakeFolder) -> None:
    assert read_dataset(make_folder({"train/a": 20, "train/b": 10})).counts().tolist() == [[16, 2, 2], [8, 1, 1]]


def test_a_label_that_train_lacks_is_refused(make_folder: MakeFolder) -> None:
    with pytest.raises(DataError, match="'cow' have images for validation or test but none for training"):
        read_dataset(make_folder({"train/a": 3, "train/b": 3, "val/a": 1, "val/cow": 1}))


def test_leaks_between_given_splits_are_noted(make_folder: MakeFolder) -> None:
    root = make_folder({"train/a": 3, "train/b": 3, "val/a": 1, "test/b": 1})
    shutil.copy(root / "train" / "a" / "1.png", root / "val" / "a" / "again.png")
    assert "1 images for validation or test are byte-identical" in read_dataset(root).notes[0]


def test_one_class_only_is_refused(make_folder: MakeFolder) -> None:
    with pytest.raises(DataError, match="one class only, 'cat'"):
        read_dataset(make_folder({"cat": 5}))


def test_a_class_with_one_image_is_allowed_and_noted(make_folder: MakeFolder) -> None:
    dataset = read_dataset(make_folder({"cat": 10, "dog": 1, "eel": 2}))
    assert dataset.counts().tolist() == [[8, 1, 1], [1, 0, 0], [2, 0, 0]]
    assert "'dog' have one image only" in dataset.notes[0]
    assert "'eel' have too few distinct images" in dataset.notes[1]


def test_an_empty_class_is_left_out_and_noted(make_folder: MakeFolder) -> None:
    dataset = read_dataset(make_folder({"cat": 3, "dog": 3, "bat": 0}))
    assert [part.id for part in dataset.classes] == ["cat", "dog"]
    assert "'bat' have no usable image" in dataset.notes[0]


@pytest.mark.parametrize("counts", [{"cat": 0, "dog": 0}, {"train/cat": 0}])
def test_no_images_is_refused(counts: dict[str, int], make_folder: MakeFolder) -> None:
    with pytest.raises(DataError, match="holds no images"):
        read_dataset(make_folder(counts))


def test_a_source_that_is_not_there_or_no_list_is_refused(tmp_path: Path, make_picture: MakePicture) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"is a file but not \.csv"):
        read_dataset(make_picture("a.png"))


def test_a_csv_file(make_folder: MakeFolder) -> None:
    root = make_folder({"x": 4})
    table = root / "labels.csv"
    table.write_text("path,label,split\nx/0.png,b,train\nx/1.png,a,train\nx/2.png,a,val\nx/3.png,b,test\n")
    dataset = read_dataset(table)
    assert [part.id for part in dataset.classes] == ["a", "b"]
    assert dataset.labels.tolist() == [1, 0, 0, 1]
    assert dataset.splits.tolist() == [0, 0, 1, 2]
    assert dataset.path(2) == root / "x" / "2.png"


MODEL = (
    ClassName("n1", "tench, Tinca tinca"),
    ClassName("n2", "crane"),
    ClassName("n3", "cat"),
    ClassName("n4", "crane"),
)


def test_a_models_classes_are_matched_by_id_or_name(make_folder: MakeFolder) -> None:
    dataset = read_dataset(make_folder({"n3": 1, "tench, Tinca tinca": 1, "n2": 1}), classes=MODEL)
    assert dataset.classes == MODEL
    found = {Path(path).parts[0]: int(label) for path, label in zip(dataset.paths, dataset.labels, strict=True)}
    assert found == {"n3": 2, "tench, Tinca tinca": 0, "n2": 1}


@pytest.mark.parametrize("folder", ["cow", "crane"])  # unknown; the name of two classes
def test_labels_that_the_model_lacks_are_refused(folder: str, make_folder: MakeFolder) -> None:
    with pytest.raises(DataError, match=f"the classes '{folder}' are none of the model's 4"):
        read_dataset(make_folder({"cat": 1, folder: 1}), classes=MODEL)


def test_with_a_models_classes_one_class_or_val_alone_is_enough(make_folder: MakeFolder) -> None:
    assert read_dataset(make_folder({"val/cat": 2}), classes=MODEL).counts()[2].tolist() == [0, 2, 0]


def test_the_fingerprint_tells_data_apart(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 20, "dog": 20})
    first = read_dataset(root).fingerprint()
    assert first == read_dataset(root, verify=False).fingerprint()
    assert first != read_dataset(root, seed=1).fingerprint()
    Image.new("RGB", (5, 5)).save(root / "cat" / "0.png")
    assert first != read_dataset(root).fingerprint()


def test_an_image_takes_at_most_300_bytes(tmp_path: Path) -> None:
    count = 4000
    for i in range(count):
        folder = tmp_path / f"a class with a rather long name {i % 2}"
        folder.mkdir(exist_ok=True)
        (folder / f"and a file name as cameras and sites write them {i:010}.jpg").write_bytes(i.to_bytes(4, "little"))
    # In a process of its own, where no other test's threads and caches are counted.
    script = (
        "import gc, sys, tracemalloc; from pathlib import Path; from googlenet.data.index import read_dataset\n"
        "read_dataset(Path(sys.argv[1]), verify=False)\n"  # what the first call imports and caches is not the index's
        "tracemalloc.start(); dataset = read_dataset(Path(sys.argv[1]), verify=False); gc.collect()\n"
        "own = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, '*/googlenet/data/*')])\n"
        "print(len(dataset), sum(trace.size for trace in own.traces))"
    )
    result = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    images, held = map(int, result.stdout.split())
    assert images == count
    assert held / count <= 300


def test_the_flowers_are_split_exactly(shared: Path) -> None:
    dataset = read_dataset(shared / "flowers", verify=False)
    assert [part.id for part in dataset.classes] == ["daisy", "dandelion", "roses", "sunflowers", "tulips"]
    assert dataset.counts().tolist() == [[400, 50, 50]] * 5
    assert not set(dataset.ids[dataset.splits == Split.TEST]) & set(dataset.ids[dataset.splits == Split.TRAIN])
    assert np.unique(dataset.ids).size < len(dataset)  # the archive has exact duplicates
