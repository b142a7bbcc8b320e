"""Packed data are the folder they were made of: the same listing, the same bytes, the same weights; damage is named."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from googlenet.cli.pack import _bytes
from googlenet.data.decode import read_bytes
from googlenet.data.index import read_dataset
from googlenet.data.pack import pack
from googlenet.data.shards import INDEX, open_shards
from googlenet.doctor.diagnose import check
from googlenet.doctor.quarantine import quarantine
from googlenet.errors import DataError, GoogLeNetError, ImageError, SettingsError
from googlenet.evaluation.predict import find_images
from googlenet.recipes import scratch
from googlenet.training import run as training_run
from googlenet.training.run import new_run_folder, train
from googlenet.variants import batch_norm

MakeFolder = Callable[[Mapping[str, int]], Path]
LARGE = 10**9
HOSTILE = ("玫瑰 1.png", "🌹.a.b.png", os.fsdecode(b"caf\xe9.png"), "new\nline.png", "-rf.png")


def _samples(shard: Path) -> dict[str, dict[str, bytes]]:
    """As WebDataset reads: what stands before the first dot is the key, what stands behind it the kind of member."""
    found: dict[str, dict[str, bytes]] = {}
    with tarfile.open(shard, "r:") as tar:
        for member in tar:
            key, _, ending = member.name.partition(".")
            content = tar.extractfile(member)
            assert content is not None
            found.setdefault(key, {})[ending] = content.read()
    return found


def test_the_same_data_set_as_the_folder(make_folder: MakeFolder, tmp_path: Path) -> None:
    root = make_folder({"9": 12, "10": 15, "leer": 0})
    for name in HOSTILE:
        shutil.move(next((root / "9").glob("[0-9]*.png")), root / "9" / name)
    out = tmp_path / "packed"
    said: list[tuple[int, int]] = []
    packed = pack(root, out, shard_size=20_000, writing=lambda *part: said.append(part))
    assert said == [(i, 27) for i in range(1, 28)]
    folder, shards = read_dataset(root, seed=3), read_dataset(out, seed=3)
    assert shards.fingerprint() == folder.fingerprint()
    assert [note.split(": ", 1)[-1] for note in shards.notes] == [note.split(": ", 1)[-1] for note in folder.notes]
    assert {f"9/{name}" for name in HOSTILE} <= set(shards.paths)
    assert all(read_bytes(shards.path(i)) == folder.path(i).read_bytes() for i in range(len(folder)))
    assert list(find_images([str(out)], [])) == [shards.path(i) for i in range(len(folder))]
    assert (packed.images, packed.skipped) == (27, [])
    assert len(packed.shards) > 1
    assert all(size == (out / name).stat().st_size <= 20_480 for name, size in packed.shards)


def test_samples_as_webdataset_groups_them(make_folder: MakeFolder, tmp_path: Path) -> None:
    root, out = make_folder({"train/a": 3, "train/b": 2, "val/b": 1, "test/a": 1}), tmp_path / "packed"
    pack(root, out, shard_size=LARGE)
    assert sorted(path.name for path in out.glob("*.tar")) == [f"{n}-000000.tar" for n in ("test", "train", "val")]
    seen = 0
    for shard in out.glob("*.tar"):
        for number, (key, sample) in enumerate(sorted(_samples(shard).items())):
            assert key == f"{number:06d}"
            assert list(sample) == ["png", "cls", "json"]
            about = json.loads(sample["json"])
            assert sample["png"] == (root / about["path"]).read_bytes()
            assert int(sample["cls"]) == ["a", "b"].index(about["class"])
            assert about["path"].startswith(f"{about['split']}/{about['class']}/")
            assert shard.name.startswith(about["split"])
            seen += 1
    assert seen == 7


@pytest.mark.skipif(importlib.util.find_spec("webdataset") is None, reason="webdataset is not installed")
def test_webdataset_itself(make_folder: MakeFolder, tmp_path: Path) -> None:
    import webdataset

    root, out = make_folder({"a": 3, "b": 2}), tmp_path / "packed"
    pack(root, out, shard_size=LARGE)
    samples = list(webdataset.WebDataset(str(out / "shard-000000.tar"), shardshuffle=False).decode("rgb8"))
    assert sorted(sample["cls"] for sample in samples) == [0, 0, 0, 1, 1]
    assert {sample["json"]["path"] for sample in samples} == set(read_dataset(root).paths)


def test_the_same_weights_to_the_bit(
    colour_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        training_run, "variant", lambda name, classes, aux_heads: batch_norm(classes, aux_heads=False).scaled(1 / 16)
    )
    root, out = colour_folder(per_class=10), tmp_path / "packed"
    pack(root, out, shard_size=50_000)
    settings = scratch(image_size=64, epochs=1, batch_size=8, precision="fp32")
    one, other = (
        train(read_dataset(source), settings, new_run_folder(tmp_path / f"run-{i}"))
        for i, source in enumerate((root, out))
    )
    assert all(np.array_equal(one.tensors[name], tensor) for name, tensor in other.tensors.items())


def test_a_csv_with_paths_outside(make_folder: MakeFolder, tmp_path: Path) -> None:
    root = make_folder({"a": 3, "b": 3})
    (tmp_path / "list").mkdir()
    lines = [f"{path if i % 2 else '../data/' + path.parent.name + '/' + path.name},{path.parent.name},train"
             for i, path in enumerate(sorted(root.rglob("*.png")))]  # fmt: skip
    source = tmp_path / "list" / "all.csv"
    source.write_text("\n".join(["path,label,split", *lines]))
    pack(source, tmp_path / "packed", shard_size=LARGE)
    before, after = read_dataset(source), read_dataset(tmp_path / "packed")
    assert (after.ids == before.ids).all()
    assert (after.labels == before.labels).all()
    assert (after.splits == before.splits).all()


def test_what_cannot_be_used_is_named(make_folder: MakeFolder, tmp_path: Path) -> None:
    root, out = make_folder({"a": 3, "b": 3}), tmp_path / "packed"
    (root / "a" / "0.png").write_bytes(b"no image")
    packed = pack(root, out, shard_size=LARGE)
    assert [(part.path, packed.images) for part in packed.skipped] == [(root / "a" / "0.png", 5)]


def test_a_damaged_image_is_named_with_its_shard(make_folder: MakeFolder, tmp_path: Path) -> None:
    root, out = make_folder({"a": 12, "b": 12}), tmp_path / "packed"
    pack(root, out, shard_size=LARGE)
    member = open_shards(out).members["a/5.png"]
    content = bytearray((out / "shard-000000.tar").read_bytes())
    content[member.offset + member.size // 2] ^= 1
    (out / "shard-000000.tar").write_bytes(content)
    with pytest.raises(ImageError, match=r"a/5\.png: is damaged in shard-000000\.tar .* copy the shard again"):
        read_bytes(out / "a" / "5.png")
    skipped = read_dataset(out).skipped
    assert [part.path for part in skipped] == [out / "a" / "5.png"]
    assert skipped[0].reason.startswith("is damaged in shard-000000.tar")
    with pytest.raises(ImageError, match="is not among the images packed"):
        read_bytes(out / "a" / "no.png")


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("shard-000000.tar", lambda content: content[:-1], r"shard-000000\.tar: has \d+ bytes, \d+ were written"),
        ("shard-000000.tar", lambda content: None, r"shard-000000\.tar: cannot be read"),
        (INDEX, lambda content: content[:-30], r"index\.jsonl: is damaged or cut short"),
        (INDEX, lambda content: content.replace(b'"a"', b'"b"'), r"index\.jsonl: is damaged .* another SHA-256"),
        (INDEX, lambda content: b"", r"index\.jsonl: is damaged or cut short"),
        (INDEX, lambda content: b'{"format": "other", "version": 9}\n', "is other of version 9"),
        (INDEX, lambda content: b"[1]\n", "is damaged or cut short"),
    ],
)
def test_damaged_shards_and_indices_are_refused(
    make_folder: MakeFolder, tmp_path: Path, name: str, change: Callable[[bytes], bytes | None], says: str
) -> None:
    out = tmp_path / "packed"
    pack(make_folder({"a": 3, "b": 3}), out, shard_size=LARGE)
    content = change((out / name).read_bytes())
    (out / name).unlink()
    if content is not None:
        (out / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_dataset(out)


def test_where_it_cannot_be_packed(make_folder: MakeFolder, tmp_path: Path) -> None:
    root, out = make_folder({"a": 3, "b": 3}), tmp_path / "packed"
    with pytest.raises(SettingsError, match="inside the data"):
        pack(root, root / "packed", shard_size=LARGE)
    pack(root, out, shard_size=LARGE)
    for source, target, says in ((root, out, "exists already"), (out, tmp_path / "again", "packed already")):
        with pytest.raises(SettingsError, match=says):
            pack(source, target, shard_size=LARGE)
    with pytest.raises(SettingsError, match="clean its folder"):
        quarantine(check(out), tmp_path / "aside")


def test_a_full_disk_leaves_nothing_behind(
    make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    root = make_folder({"a": 3, "b": 3})
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(DataError, match=r"packed: cannot be packed \(No space left"):
        pack(root, tmp_path / "packed", shard_size=LARGE)
    assert sorted(tmp_path.iterdir()) == before


def test_sizes_in_words() -> None:
    assert [_bytes(words) for words in ("500KB", "256 mb", "1.5GB")] == [500_000, 256_000_000, 1_500_000_000]
    for words in ("256", "MB", "-1MB", "0MB", "1TBs"):
        with pytest.raises(GoogLeNetError, match="--shard-size is"):
            _bytes(words)
