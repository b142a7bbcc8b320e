"""What one file tells by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from googlenet.data.listing import Listing
from googlenet.data.look import Looks
from googlenet.doctor.findings import Item

Case = tuple[str, Item]

_ENDINGS = {
    "JPEG": (".jpg", ".jpeg"),
    "MPO": (".jpg", ".jpeg"),  # a JPEG that carries a second picture, as phones write them
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
}
_USUAL = {"RGB", "L", "P", "RGBA", "1"}
_TINY = 32  # pixels of the shorter side: below, a 224 px network sees each pixel as a 7 px square
_EXTREME = 4.0  # longer side / shorter side: beyond, three quarters of the picture lie outside the middle square
ONE_COLOUR = 8  # of 255; a compressed picture of one colour spreads by 2 to 4


def skipped_cases(listing: Listing, misplaced: int) -> Iterator[Case]:
    """The first ``misplaced`` were passed over when the folders were listed; the others could not be decoded."""
    for number, part in enumerate(listing.skipped):
        path = _relative(listing, os.fspath(part.path))
        if number < misplaced:
            yield "misplaced", Item(part.reason, (path,))
        else:
            yield "unreadable", Item(part.reason, (path,), movable=(path,))


def file_cases(listing: Listing, looks: Looks) -> Iterator[Case]:
    """Endings, modes, turns, shapes and pictures of one colour."""
    short, long = looks.sizes.min(1), looks.sizes.max(1)
    for i in np.flatnonzero(short < _TINY).tolist():
        yield "tiny", _item(listing, i, f"{looks.sizes[i, 0]} × {looks.sizes[i, 1]} pixels")
    for i in np.flatnonzero((long >= _EXTREME * short) & (short > 0)).tolist():
        yield "extreme-shape", _item(listing, i, f"{looks.sizes[i, 0]} × {looks.sizes[i, 1]} pixels")
    for i in np.flatnonzero(looks.spreads <= ONE_COLOUR).tolist():
        yield "one-colour", _item(listing, i, "all pixels are alike")
    for i in np.flatnonzero(looks.turned).tolist():
        yield "turned", _item(listing, i, "its tag asks for a turn or a mirror")
    for i, (format, stored, path) in enumerate(zip(looks.formats, looks.stored, listing.paths, strict=True)):
        if stored not in _USUAL:
            yield "odd-mode", _item(listing, i, stored)
        if not path.lower().endswith(_ENDINGS[format]):
            yield "wrong-extension", _item(listing, i, f"is {format} by its content")


def _item(listing: Listing, i: int, detail: str) -> Item:
    return Item(detail, (listing.paths[i],), movable=(listing.paths[i],))


def _relative(listing: Listing, path: str) -> str:
    return os.path.relpath(path, listing.root) if path.startswith(os.fspath(listing.root)) else path
