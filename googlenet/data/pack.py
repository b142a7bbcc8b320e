"""A folder or a CSV file -> shards: few large files instead of many small ones, which WebDataset reads too.

Each image is a sample of three members, ``000000.jpg`` (its file, byte for byte), ``000000.cls`` (the number of its
class) and ``000000.json`` (path, class, split). They come in random order, as a reader from front to back needs them;
given splits have shards of their own. ``shards`` describes the index.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from natsort import natsorted

from googlenet.data.decode import read_bytes
from googlenet.data.examine import Progress, examine
from googlenet.data.index import list_images
from googlenet.data.listing import NOT_GIVEN, Listing, Skipped, Split
from googlenet.data.look import Looks, content_id
from googlenet.data.shards import FORMAT, INDEX, VERSION, is_packed
from googlenet.errors import DataError, SettingsError
from googlenet.saving import atomic_write

_ENDINGS = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "GIF": "gif", "TIFF": "tif"}
_BLOCK = 512  # bytes: a member is a block of header and whole blocks of content
_PREFIXES = {NOT_GIVEN: "shard", Split.TRAIN: "train", Split.VAL: "val", Split.TEST: "test"}


@dataclass
class Packed:
    """What was written."""

    images: int = 0
    bytes: int = 0  # of all shards
    shards: list[tuple[str, int]] = field(default_factory=list)  # name and size
    skipped: list[Skipped] = field(default_factory=list)  # what could not be used, and is not packed


def pack(
    source: Path, folder: Path, *, shard_size: int, reading: Progress | None = None, writing: Progress | None = None
) -> Packed:
    """Write the images of ``source`` as shards of at most ``shard_size`` bytes into the new folder ``folder``.

    An image larger than that has a shard of its own. Every image is decoded once; what cannot be is left out and named.
    The folder appears when all is written and synced. Raises ``SettingsError`` for a folder that cannot be,
    ``DataError`` where there are no images or the disk is full.
    """
    _check(source, folder)
    listing = list_images(source, need_train=False)
    looks = examine(listing, verify=True, progress=reading)
    if not listing.paths:
        raise DataError(f"{source}: holds no images that can be used; see: googlenet check {source}")
    partial = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}.partial")
    try:
        partial.mkdir(parents=True)
        packed = _write(listing, looks, partial, shard_size, writing)
        if folder.exists():
            raise FileExistsError(0, "a folder of that name has appeared")
        partial.rename(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be packed ({error.strerror or error}); free some space, or give another place"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    packed.skipped = listing.skipped
    return packed


def _check(source: Path, folder: Path) -> None:
    if os.path.lexists(folder):
        raise SettingsError(f"OUT is {folder}, which exists already; give a new folder, nothing is overwritten")
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(source)):
        raise SettingsError(f"OUT is {folder}, inside the data {source}; give a folder outside")
    if source.is_dir() and is_packed(source):
        raise SettingsError(f"DIR is {source}, which is packed already; give a folder of images or a CSV file")


def _write(listing: Listing, looks: Looks, folder: Path, shard_size: int, progress: Progress | None) -> Packed:
    packed = Packed(images=len(listing.paths))
    samples = _Samples(listing, looks)
    done = count(1)
    rows: list[list[Any]] = [[]] * len(listing.paths)
    for split, prefix in _PREFIXES.items():
        order = np.random.default_rng(0).permutation(np.flatnonzero(np.array(listing.splits) == split)).tolist()
        for number, part in enumerate(_cut(order, samples.room, shard_size)):
            path = folder / f"{prefix}-{number:06d}.tar"
            for i, row in _write_shard(path, samples, part):
                rows[i] = [samples.paths[i], listing.words[i], samples.split(i), len(packed.shards), *row]
                if progress is not None:
                    progress(next(done), packed.images)
            packed.shards.append((path.name, path.stat().st_size))
    packed.bytes = sum(size for _, size in packed.shards)
    _write_index(folder / INDEX, rows, packed.shards, listing.class_words)
    return packed


class _Samples:
    """What stands in the shards for each image."""

    def __init__(self, listing: Listing, looks: Looks) -> None:
        self.listing, self.looks = listing, looks
        self.paths, self.classes = _inside(listing), _classes(listing)

    def split(self, i: int) -> str | None:
        split = self.listing.splits[i]
        return None if split == NOT_GIVEN else Split(split).name.lower()

    def room(self, i: int) -> int:
        """Bytes in the archive."""
        sizes = ((self.listing.root / self.listing.paths[i]).stat().st_size, *map(len, self._labels(i).values()))
        return sum(_BLOCK + -(-size // _BLOCK) * _BLOCK for size in sizes)

    def members(self, i: int) -> dict[str, bytes]:
        """By ending, the image first; raises ``DataError`` where it is not what was looked at before."""
        path = self.listing.root / self.listing.paths[i]
        content = read_bytes(path)
        if content_id(content) != self.looks.ids[i]:
            raise DataError(f"{path}: has changed while it was packed; leave the images alone and pack again")
        return {_ENDINGS[self.looks.formats[i]]: content, **self._labels(i)}

    def _labels(self, i: int) -> dict[str, bytes]:
        word = self.listing.words[i]
        about = {"path": self.paths[i], "class": word, "split": self.split(i)}
        return {"cls": str(self.classes[word]).encode(), "json": json.dumps(about).encode()}


def _classes(listing: Listing) -> dict[str, int]:
    """Numbers as ``read_dataset`` gives them: the classes with training images in natural order, then any others."""
    rows = zip(listing.words, listing.splits, strict=True)
    trained = natsorted(sorted({word for word, split in rows if split in (Split.TRAIN, NOT_GIVEN)}))
    others = natsorted(set(listing.words) - set(trained))
    return {word: i for i, word in enumerate([*trained, *others])}


def _inside(listing: Listing) -> list[str]:
    """The paths, but new ones for those that a CSV gives as absolute or with «..»."""
    return [
        path
        if not (Path(path).is_absolute() or ".." in PurePosixPath(path).parts)
        else f"elsewhere/{i}/{Path(path).name}"
        for i, path in enumerate(Path(path).as_posix() for path in listing.paths)
    ]


def _cut(order: Iterable[int], room: Callable[[int], int], limit: int) -> Iterator[list[int]]:
    """Parts that stay within ``limit`` bytes, the end of the archive included, or are one image."""
    part: list[int] = []
    size = tarfile.RECORDSIZE
    for i in order:
        more = room(i)
        if part and size + more > limit:
            yield part
            part, size = [], tarfile.RECORDSIZE
        part.append(i)
        size += more
    if part:
        yield part


def _write_shard(path: Path, samples: _Samples, part: list[int]) -> Iterator[tuple[int, tuple[int, int, str]]]:
    """Write one shard; for each image its number, and offset, size and SHA-256 of its content."""
    with path.open("xb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for number, i in enumerate(part):
                offset = file.tell() + _BLOCK
                members = samples.members(i)
                for ending, content in members.items():
                    member = tarfile.TarInfo(f"{number:06d}.{ending}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
                content = next(iter(members.values()))
                yield i, (offset, len(content), hashlib.sha256(content).hexdigest())
        file.flush()
        os.fsync(file.fileno())


def _write_index(path: Path, rows: list[list[Any]], shards: list[tuple[str, int]], classes: list[str]) -> None:
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    head = {
        "format": FORMAT,
        "version": VERSION,
        "images": len(rows),
        "sha256": hashlib.sha256(lines).hexdigest(),
        "classes": classes,
        "shards": shards,
    }
    atomic_write(path, [json.dumps(head).encode() + b"\n", lines])
