"""A packed data set: tar files and an index of where each image lies in them, read as if it were the folder it was.

``index.jsonl`` is the last file written. Its first line describes the rest: the number of images, the SHA-256 of the
following lines, the classes and the shards with their sizes. Then comes a line for each image, in the order of the
folder: path, class, split, number of the shard, offset, size, SHA-256.

An image is named by the path that it would have, were its folder unpacked beside the shards: ``packed/roses/1.jpg``.
Nothing lies at that path; ``decode.read_bytes`` asks here before it says so. So whatever takes a path takes these.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from googlenet.data.listing import NOT_GIVEN, SPLIT_WORDS, Listing
from googlenet.errors import DataError, ImageError

INDEX = "index.jsonl"
FORMAT, VERSION = "googlenet-shards", 1


class Member(NamedTuple):
    """Where one image lies; ``offset`` is that of its content, not of its header."""

    shard: int
    offset: int  # bytes
    size: int  # bytes
    sha256: bytes


@dataclass(frozen=True, eq=False)
class Shards:
    """The index of one folder of shards."""

    root: Path
    names: tuple[str, ...]  # of the shards
    classes: tuple[str, ...]  # every class of the source, with images or without
    words: list[str]  # the class of each image
    splits: list[int]  # Split or NOT_GIVEN
    members: dict[str, Member]  # by path, in the order of the source

    def listing(self) -> Listing:
        """What the folder that was packed would list."""
        return Listing(self.root, list(self.members), list(self.words), list(self.splits), list(self.classes))

    def read(self, path: Path) -> bytes:
        """The bytes of one image; raises ``ImageError`` where they are not those that were packed."""
        member = self.members.get(path.relative_to(self.root).as_posix())
        if member is None:
            raise ImageError(f"{path}: is not among the images packed in {self.root}; check the path")
        shard = self.root / self.names[member.shard]
        try:
            with shard.open("rb") as file:
                file.seek(member.offset)
                content = file.read(member.size)
        except OSError as error:
            raise ImageError(f"{path}: {shard} cannot be read ({error.strerror}); copy the shard again") from error
        if hashlib.sha256(content).digest() != member.sha256:
            raise ImageError(
                f"{path}: is damaged in {shard.name} (its {member.size} bytes at {member.offset} have another "
                "SHA-256 than was packed); copy the shard again"
            )
        return content


def is_packed(folder: Path) -> bool:
    """Whether a folder holds shards and their index."""
    return (folder / INDEX).is_file()


def shards_of(path: Path) -> Shards | None:
    """The shards that hold the image ``path``; None where no folder above it has any."""
    folder = next((parent for parent in path.parents if is_packed(parent)), None)
    return None if folder is None else open_shards(folder)


def open_shards(folder: Path) -> Shards:
    """Read the index, once; raises ``DataError`` where it or a shard is damaged, cut short or gone."""
    try:
        status = (folder / INDEX).stat()
    except OSError as error:
        raise DataError(f"{folder / INDEX}: cannot be read ({error.strerror}); check its permissions") from error
    return _open(folder, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _open(folder: Path, _changed: int, _size: int) -> Shards:
    path = folder / INDEX
    try:
        first, _, rest = path.read_bytes().partition(b"\n")
        head = json.loads(first)
        if head["format"] != FORMAT or head["version"] != VERSION:
            raise ValueError(f"is {head['format']} of version {head['version']}, not {FORMAT} of version {VERSION}")
        if hashlib.sha256(rest).hexdigest() != head["sha256"]:
            raise ValueError("its lines have another SHA-256 than its first one says")
        shards = _shards(folder, head, [json.loads(line) for line in rest.splitlines()])
        sizes = {str(name): int(size) for name, size in head["shards"]}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(f"{path}: is damaged or cut short ({error}); copy it again, or pack anew") from error
    _check_shards(folder, sizes)
    return shards


def _shards(folder: Path, head: dict[str, Any], rows: list[list[Any]]) -> Shards:
    names = tuple(str(name) for name, _ in head["shards"])
    if any(Path(name).name != name for name in names):
        raise ValueError("a shard lies in another folder")
    members = {row[0]: Member(row[3], row[4], row[5], bytes.fromhex(row[6])) for row in rows}
    if any(not 0 <= member.shard < len(names) or member.offset < 0 or member.size < 0 for member in members.values()):
        raise ValueError("an image lies in no shard")
    splits = [NOT_GIVEN if row[2] is None else int(SPLIT_WORDS[row[2]]) for row in rows]
    words = [sys.intern(row[1]) for row in rows]  # one text for each class, not for each image
    return Shards(folder, names, tuple(head["classes"]), words, splits, members)


def _check_shards(folder: Path, sizes: dict[str, int]) -> None:
    for name, size in sizes.items():
        try:
            found = (folder / name).stat().st_size
        except OSError as error:
            raise DataError(f"{folder / name}: cannot be read ({error.strerror}); copy this shard again") from error
        if found != size:
            raise DataError(f"{folder / name}: has {found} bytes, {size} were written; copy this shard again")
