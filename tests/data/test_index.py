"""Folders and CSV files: what is listed, how it is split, what is refused and in which words."""

from __future__ import annotations

import shutil
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.data.classes import ClassName
from googlenet.data.index import Dataset, Split, read_dataset
from googlenet.data.splits import draw_splits
from googlenet.errors import DataError

Make = Callable[..., Path]


def _image(path: Path, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(path, "PNG")
    return path


def _split_of(dataset: Dataset) -> dict[str, int]:
    return {Path(path).name: int(split) for path, split in zip(dataset.paths, dataset.splits, strict=True)}


def test_a_folder_of_classes(colour_folder: Make) -> None:
    dataset = read_dataset(colour_folder(per_class=20))
    assert [name.id for name in dataset.classes] == ["blue", "green", "red"]
    assert dataset.counts().tolist() == [[16, 2, 2]] * 3
    assert dataset.path(0).is_file()


def test_natural_order_and_odd_names(tmp_path: Path) -> None:
    names = ["10", "7", "1", "向日葵", "two words", "<script>alert(1)</script>".replace("/", "∕")]
    for number, name in enumerate(names):
        for i in range(3):
            _image(tmp_path / name / f"{i}.png", 10 * number + i)
    found = [name.id for name in read_dataset(tmp_path).classes]
    assert found[:3] == ["1", "7", "10"]
    assert set(found) == set(names)


def test_hidden_things_are_never_classes(colour_folder: Make) -> None:
    root = colour_folder()
    for name in (".ipynb_checkpoints", "__MACOSX", ".git"):
        _image(root / name / "a.png")
    _image(root / "red" / ".hidden.png")
    (root / "Thumbs.db").write_bytes(b"x")
    dataset = read_dataset(root)
    assert len(dataset.classes) == 3
    assert len(dataset) == 30


def test_the_split_follows_content_and_seed_alone(colour_folder: Make, tmp_path: Path) -> None:
    root = colour_folder(per_class=30)
    before = _split_of(read_dataset(root))
    renamed = tmp_path / "renamed"
    shutil.copytree(root, renamed)
    for path in sorted(renamed.rglob("*.png")):
        path.rename(path.with_name(f"z{path.name}"))
    rows = zip(read_dataset(root).ids, read_dataset(root).splits, strict=True)
    expected = {int(i): int(s) for i, s in rows}
    after = read_dataset(renamed)
    assert {int(i): int(s) for i, s in zip(after.ids, after.splits, strict=True)} == expected
    other = read_dataset(root, seed=1)
    assert _split_of(other) == _split_of(read_dataset(root, seed=1))
    assert {int(i): int(s) for i, s in zip(other.ids, other.splits, strict=True)} != expected
    assert before == _split_of(read_dataset(root))


def test_copies_stay_together(colour_folder: Make) -> None:
    root = colour_folder(per_class=20)
    for path in sorted((root / "red").iterdir()):
        shutil.copy(path, path.with_name(f"copy-{path.name}"))
    dataset = read_dataset(root)
    for content in np.unique(dataset.ids):
        assert len(set(dataset.splits[dataset.ids == content])) == 1


def test_split_folders_and_labels_that_do_not_shift(tmp_path: Path) -> None:
    for split, names in {"train": "abc", "val": "ac", "test": "abc"}.items():
        for name in names:
            for i in range(2):
                _image(tmp_path / split / name / f"{i}.png", ord(name) + i)
    dataset = read_dataset(tmp_path)
    assert [name.id for name in dataset.classes] == ["a", "b", "c"]
    val = dataset.labels[dataset.select(Split.VAL)]
    assert sorted(set(val.tolist())) == [0, 2]


def test_a_label_that_train_lacks_is_refused(tmp_path: Path) -> None:
    for split, names in {"train": "ab", "val": "abz"}.items():
        for name in names:
            _image(tmp_path / split / name / "0.png", ord(name))
    with pytest.raises(DataError, match=r"'z'.*none for training"):
        read_dataset(tmp_path)


def _csv(root: Path, text: str) -> Path:
    for i in range(12):
        _image(root / f"{i}.png", i)
    path = root / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv(tmp_path: Path) -> None:
    rows = "".join(f"{i}.png,{'ab'[i % 2]},{('train', 'val', 'test')[i // 4]}\n" for i in range(12))
    dataset = read_dataset(_csv(tmp_path, "path,label,split\n" + rows))
    assert [len(dataset.select(split)) for split in Split] == [4, 4, 4]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,class\n0.png,a\n", "label"),
        ("label\na\n", "path"),
        ("path,label\n0.png,a\nnowhere.png,b\n", "nowhere.png"),
        ("path,label,split\n0.png,a,tset\n", "tset"),
    ],
)
def test_bad_csv_files(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_dataset(_csv(tmp_path, text))


def test_no_images_one_class_nothing_there(tmp_path: Path, colour_folder: Make) -> None:
    with pytest.raises(DataError, match=r"no sub-folders|holds no images"):
        read_dataset(tmp_path)
    with pytest.raises(DataError, match="one class only"):
        read_dataset(colour_folder("one", classes=("red",)))
    with pytest.raises(DataError, match="does not exist"):
        read_dataset(tmp_path / "nowhere")


def test_a_class_with_one_image_is_said(colour_folder: Make) -> None:
    root = colour_folder()
    _image(root / "rare" / "only.png", 77)
    dataset = read_dataset(root)
    assert any("'rare'" in note and "one image" in note for note in dataset.notes)


def _vast_png() -> bytes:
    """A whole PNG file that claims 65000 x 65000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 65000, 65000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


def test_bad_files_are_named_and_the_good_ones_used(colour_folder: Make) -> None:
    root = colour_folder()
    whole = Image.new("RGB", (64, 64), "red")
    whole.save(root / "red" / "cut.jpg")
    (root / "red" / "cut.jpg").write_bytes((root / "red" / "cut.jpg").read_bytes()[:-200])
    (root / "red" / "empty.jpg").write_bytes(b"")
    (root / "red" / "text.jpg").write_text("this is no picture")
    (root / "red" / "vast.png").write_bytes(_vast_png())
    dataset = read_dataset(root)
    reasons = {part.path.name: part.reason for part in dataset.skipped}
    assert set(reasons) == {"cut.jpg", "empty.jpg", "text.jpg", "vast.png"}
    assert "damaged" in reasons["cut.jpg"]
    assert "empty" in reasons["empty.jpg"]
    assert "is not a JPEG" in reasons["text.jpg"]
    assert "pixels" in reasons["vast.png"]
    assert len(dataset) == 30


def test_a_loop_of_links_ends(colour_folder: Make) -> None:
    root = colour_folder()
    (root / "red" / "again").symlink_to(root, target_is_directory=True)
    (root / "green" / "self.png").symlink_to(root / "green" / "self.png")
    dataset = read_dataset(root)
    assert len(dataset) == 30
    assert {part.path.name for part in dataset.skipped} >= {"self.png"}


def test_a_model_s_classes_by_id_or_name(colour_folder: Make, tmp_path: Path) -> None:
    classes = (ClassName("n1", "red"), ClassName("green", "the green"), ClassName("n3", "blue"))
    dataset = read_dataset(colour_folder(), classes=classes)
    red = {label for path, label in zip(dataset.paths, dataset.labels.tolist(), strict=True) if "red" in path}
    assert red == {0}
    with pytest.raises(DataError, match="'blue'"):
        read_dataset(tmp_path / "images", classes=classes[:2])


def test_loose_files_called_after_their_class(tmp_path: Path) -> None:
    _image(tmp_path / "n1_tench.png", 1)
    _image(tmp_path / "n2_cock.png", 2)
    _image(tmp_path / "cat.png", 3)
    dataset = read_dataset(tmp_path, classes=(ClassName("n1", "tench"), ClassName("n2", "cock")))
    assert dict(zip(dataset.paths, dataset.labels.tolist(), strict=True)) == {"n1_tench.png": 0, "n2_cock.png": 1}
    assert [part.path.name for part in dataset.skipped] == ["cat.png"]


def test_the_index_takes_at_most_300_bytes_per_image() -> None:
    count = 50_000
    tracemalloc.start()
    dataset = Dataset(
        Path("root"),
        (ClassName("a", "a"), ClassName("b", "b")),
        [f"some-class-name/photograph_{i:012}_large.jpg" for i in range(count)],
        np.zeros(count, np.int32),
        np.zeros(count, np.int8),
        np.zeros(count, np.uint64),
    )
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(dataset) == count
    assert taken / count < 300


def test_ten_percent_each_whatever_the_number() -> None:
    rng = np.random.default_rng(0)
    for count in (3, 5, 10, 100, 999):
        splits = draw_splits(np.zeros(count, np.int32), rng.integers(0, 2**63, count).astype(np.uint64), 0)
        share = max(1, round(count / 10 + 1e-9))
        assert abs(int((splits == Split.TEST).sum()) - share) <= 1
        assert (splits == Split.VAL).sum() == (splits == Split.TEST).sum() >= 1
