"""What a person should know about a data set that is nevertheless used: one line each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from googlenet.data.classes import ClassName
from googlenet.data.listing import Listing, Split, quoted
from googlenet.data.splits import several_labels


def make_notes(
    listing: Listing,
    classes: tuple[ClassName, ...],
    labels: NDArray[np.int32],
    splits: NDArray[np.int8],
    ids: NDArray[np.uint64],
    *,
    drawn: tuple[Split, ...],
) -> tuple[str, ...]:
    """The listing's own notes, then empty and small classes, ambiguous images, and leaks between given splits."""
    notes = list(listing.notes)
    used = set(listing.words)
    if empty := [word for word in listing.class_words if word not in used]:
        notes.append(f"the classes {quoted(empty)} have no usable image and are left out")
    counts = np.bincount(labels, minlength=len(classes))
    if single := [classes[i].id for i in np.flatnonzero(counts == 1)]:
        notes.append(f"the classes {quoted(single)} have one image only: add more, or do not trust them")
    if drawn:
        judged = set(labels[np.isin(splits, drawn)].tolist())
        small = [classes[i].id for i in np.flatnonzero(counts > 1) if i not in judged]
        if small:
            notes.append(f"the classes {quoted(small)} have too few distinct images to judge by: all are for training")
    notes += _ambiguous(listing, labels, ids)
    notes += _leaks(splits, ids)
    return tuple(notes)


def _ambiguous(listing: Listing, labels: NDArray[np.int32], ids: NDArray[np.uint64]) -> list[str]:
    contents = several_labels(labels, ids)
    if not len(contents):
        return []
    files = [listing.paths[i] for i in np.flatnonzero(ids == contents[0])[:2]]
    return [f"{len(contents)} images lie under several classes, such as {quoted(files)}: keep one label of each"]


def _leaks(splits: NDArray[np.int8], ids: NDArray[np.uint64]) -> list[str]:
    train = ids[splits == Split.TRAIN]
    leaked = int(np.isin(ids[splits != Split.TRAIN], train).sum())
    if not leaked:
        return []
    return [f"{leaked} images for validation or test are byte-identical to training images: results will flatter"]
