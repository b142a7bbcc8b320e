"""A folder, a CSV file or shards -> Dataset: which images there are, of which class, for which use."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from natsort import natsorted
from numpy.typing import NDArray

from googlenet.data.classes import ClassName
from googlenet.data.csv_file import list_csv
from googlenet.data.examine import Progress, examine
from googlenet.data.folders import list_folder
from googlenet.data.listing import NOT_GIVEN, Listing, Skipped, Split, quoted
from googlenet.data.look import Looks
from googlenet.data.notes import make_notes
from googlenet.data.shards import is_packed, open_shards
from googlenet.data.splits import draw_splits
from googlenet.errors import DataError

__all__ = ["Dataset", "Skipped", "Split", "list_images", "read_dataset"]


@dataclass(frozen=True)
class Stranger:
    """A class of the source that is none of the model's: its images can only be answered wrongly."""

    word: str
    images: tuple[int, ...]  # in training, validation and test


@dataclass(frozen=True, eq=False)
class Dataset:
    """The index of a data set, at most 300 bytes per image and the looks: entry i of each array is image i."""

    root: Path
    classes: tuple[ClassName, ...]
    paths: list[str]  # relative to root, or absolute where a CSV says so
    labels: NDArray[np.int32]  # (N,), index in classes
    splits: NDArray[np.int8]  # (N,), Split
    ids: NDArray[np.uint64]  # (N,), first 8 bytes of the content's SHA-256: keys the split and the augmentation
    skipped: tuple[Skipped, ...] = ()
    ignored: int = 0  # files that are no images by their extension
    notes: tuple[str, ...] = ()  # what a person should know, one line each
    strangers: tuple[Stranger, ...] = ()  # classes that are none of the model's, left out
    looks: Looks | None = None  # what else the files told, where they were decoded

    def __len__(self) -> int:
        return len(self.paths)

    def path(self, i: int) -> Path:
        """Where image ``i`` lies, or would lie were its shards unpacked; ``decode`` opens both."""
        return self.root / self.paths[i]

    def select(self, split: Split | None) -> NDArray[np.int64]:
        """The indices of one split, or of all images."""
        return np.arange(len(self)) if split is None else np.flatnonzero(self.splits == split)

    def counts(self) -> NDArray[np.int64]:
        """Images of each class in training, validation and test: (classes, 3)."""
        counts = np.zeros((len(self.classes), len(Split)), np.int64)
        np.add.at(counts, (self.labels, self.splits), 1)
        return counts

    def fingerprint(self) -> str:
        """SHA-256 (hex) over classes, paths, labels, splits and contents: the same for the same data and split."""
        digest = hashlib.sha256()
        for part in self.classes:
            digest.update(f"{part.id}\0{part.name}\0".encode("utf-8", "surrogateescape"))
        for path in self.paths:
            digest.update(os.fsencode(path) + b"\0")
        for array, kind in ((self.labels, "<i4"), (self.splits, "i1"), (self.ids, "<u8")):
            digest.update(array.astype(kind).tobytes())
        return digest.hexdigest()


def read_dataset(
    source: Path,
    *,
    seed: int = 0,
    classes: Sequence[ClassName] | None = None,
    verify: bool = True,
    strangers: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """List, check and split the images of ``source``: folders of classes, train/val/test folders, a CSV file, shards.

    Splits that the source does not give are drawn by the rule of ``splits``, from the training images if it gives some.
    ``classes`` (a model's): labels are indices in them, matched by id, then by name; without them the classes are those
    of the training images, in natural order. ``verify`` decodes every file once; bad ones are named in ``skipped``.
    ``strangers``: images of classes that are none of ``classes`` are left out and counted, instead of refused.
    Raises ``DataError`` where nothing usable is there or labels contradict the classes.
    """
    known = frozenset(name.id for name in classes or ())
    listing = list_images(source, need_train=classes is None, known=known)
    listed = len(listing.paths)
    looks = examine(listing, verify=verify, progress=progress)
    ids = looks.ids
    if not listing.paths:
        raise DataError(_nothing_usable(source, listed, listing))
    names = tuple(classes) if classes is not None else _class_names(source, listing)
    left_out: tuple[Stranger, ...] = ()
    if strangers:
        left_out, looks = _leave_strangers_out(source, listing, names, looks, seed)
        ids = looks.ids
    labels = _labels(source, listing, names)
    splits, drawn = _splits(listing, labels, ids, seed)
    notes = make_notes(listing, names, labels, splits, ids, drawn=drawn)
    return Dataset(
        root=listing.root,
        classes=names,
        paths=listing.paths,
        labels=labels,
        splits=splits,
        ids=ids,
        skipped=tuple(listing.skipped),
        ignored=listing.ignored,
        notes=notes,
        looks=looks if verify else None,
        strangers=left_out,
    )


def _leave_strangers_out(
    source: Path, listing: Listing, classes: Sequence[ClassName], looks: Looks, seed: int
) -> tuple[tuple[Stranger, ...], Looks]:
    """Forget the images of unknown classes in the listing and the looks; split them as if they were to be judged."""
    positions = _positions(classes)
    own = np.array([word in positions for word in listing.words], bool)
    if not own.any():
        raise DataError(
            f"{source}: none of its classes, {quoted(natsorted(set(listing.words)))}, is one of the model's "
            f"{len(classes)}; take another data set or model"
        )
    words = natsorted({word for word in listing.words if word not in positions})
    numbers = {word: len(classes) + i for i, word in enumerate(words)} | positions
    labels = np.array([numbers[word] for word in listing.words], np.int32)
    splits, _ = _splits(listing, labels, looks.ids, seed)
    found = tuple(
        Stranger(word, tuple(int(((labels == numbers[word]) & (splits == split)).sum()) for split in Split))
        for word in words
    )
    positions_kept = np.flatnonzero(own).tolist()
    listing.keep(positions_kept)
    return found, looks.keep(positions_kept)


def list_images(source: Path, *, need_train: bool = True, known: frozenset[str] = frozenset()) -> Listing:
    """List the images of a folder, a CSV file or shards without opening them; ``DataError`` for what is none."""
    if source.is_dir() and is_packed(source):
        return open_shards(source).listing()
    if source.is_dir():
        return list_folder(source, need_train=need_train, known=known)
    if not source.exists():
        raise DataError(f"{source}: does not exist; give a folder of class folders or a CSV file")
    if source.suffix.lower() != ".csv":
        raise DataError(f"{source}: is a file but not .csv; give a folder of class folders or a CSV file")
    return list_csv(source)


def _nothing_usable(source: Path, listed: int, listing: Listing) -> str:
    if listed:
        first = listing.skipped[-listed]
        return f"{source}: none of its {listed} images can be used; the first is {first.path}: {first.reason}"
    return (
        f"{source}: holds no images ({listing.ignored} other files, {len(listing.skipped)} skipped); "
        "put .jpg, .png, .webp, .bmp, .gif or .tif files in a folder per class"
    )


def _class_names(source: Path, listing: Listing) -> tuple[ClassName, ...]:
    rows = zip(listing.words, listing.splits, strict=True)
    words = natsorted(sorted({word for word, split in rows if split in (Split.TRAIN, NOT_GIVEN)}))
    strangers = natsorted(set(listing.words) - set(words))
    if strangers:
        raise DataError(
            f"{source}: the classes {quoted(strangers)} have images for validation or test but none for training; "
            "add training images or remove them"
        )
    if len(words) < 2:
        raise DataError(f"{source}: has images of one class only, {quoted(words)}; a classifier needs two or more")
    return tuple(ClassName(id=word, name=word) for word in words)


def _labels(source: Path, listing: Listing, classes: Sequence[ClassName]) -> NDArray[np.int32]:
    positions = _positions(classes)
    unknown = natsorted({word for word in listing.words if word not in positions})
    if unknown:
        raise DataError(
            f"{source}: the classes {quoted(unknown)} are none of the model's {len(classes)}; "
            "rename them to an id or a name of the model, take a model trained on them, or evaluate --unknown-classes"
        )
    return np.fromiter((positions[word] for word in listing.words), np.int32, len(listing.words))


def _positions(classes: Sequence[ClassName]) -> dict[str, int]:
    """Word -> index: every id, and every name that belongs to one class only and is not another's id."""
    uses = Counter(part.name for part in classes)
    positions = {part.name: i for i, part in enumerate(classes) if uses[part.name] == 1}
    return positions | {part.id: i for i, part in enumerate(classes)}


def _splits(
    listing: Listing, labels: NDArray[np.int32], ids: NDArray[np.uint64], seed: int
) -> tuple[NDArray[np.int8], tuple[Split, ...]]:
    """The split of each image, and which splits were drawn rather than given."""
    given = np.array(listing.splits, np.int8)
    if (given == NOT_GIVEN).all():
        return draw_splits(labels, ids, seed), (Split.TEST, Split.VAL)
    missing = tuple(split for split in (Split.TEST, Split.VAL) if not (given == split).any())
    train = np.flatnonzero(given == Split.TRAIN)
    if missing and len(train):
        given[train] = draw_splits(labels[train], ids[train], seed, missing)
        return given, missing
    return given, ()
