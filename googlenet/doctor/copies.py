"""Files that show the same: byte by byte, or almost (recompressed, resized, cropped a little, mirrored, brightened)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from googlenet.data.look import GRAY, Looks
from googlenet.doctor.alignment import likeness
from googlenet.doctor.candidates import candidate_pairs
from googlenet.doctor.files import ONE_COLOUR

_SAME = 0.86  # of 1, by the details that remain in a thumbnail: above all but copies among the flowers
_ALMOST = 0.75
_SURELY_SAME = 0.98  # recompressed, resized or mirrored, but not cropped
_MANY = 1000  # pictures: enough to tell of what kind they are, and what is usual among them
_PAIRS = 4096  # the thumbnails of all candidates at once could fill the memory


def exact_copies(ids: NDArray[np.uint64]) -> list[list[int]]:
    """Groups of two or more files of the same content, in the order of their first files."""
    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.diff(ids[order])) + 1
    groups = [group.tolist() for group in np.split(order, starts) if len(group) > 1]
    return sorted(groups)


def near_copies(looks: Looks) -> tuple[list[list[int]], bool]:
    """Groups of files of which each shows almost the same as another one, two contents or more in each group.

    Pictures of one colour, and those that have fewer pixels than a thumbnail, are not compared: they tell too little.
    The second value: whether the pictures resemble one another by nature (digits, say, or the frames of a film), so
    that only copies without a crop were told.
    """
    telling = (looks.sizes.min(1) >= GRAY) & (looks.spreads > ONE_COLOUR)
    _, representatives, content = np.unique(looks.ids, return_index=True, return_inverse=True)
    compared = representatives[telling[representatives]]
    resembling = _resemble(looks, compared)
    first, second, alike = _compare(looks, compared, levelled=len(compared) >= _MANY)
    copies = alike >= (_SURELY_SAME if resembling else _SAME)
    leaders = _connected(len(looks.ids), first[copies].tolist(), second[copies].tolist())
    groups: dict[int, list[int]] = {}
    for i, which in enumerate(representatives[content].tolist()):
        groups.setdefault(leaders[which], []).append(i)
    return sorted(group for group in groups.values() if len({int(looks.ids[i]) for i in group}) > 1), resembling


def _compare(
    looks: Looks, compared: NDArray[np.int64], *, levelled: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Pairs that may be copies, and how alike they are."""
    pairs = candidate_pairs(looks.colours[compared], levelled=levelled)
    first, second = compared[pairs.first], compared[pairs.second]
    alike = np.zeros(len(first), np.float32)
    for start in range(0, len(first), _PAIRS):
        part = slice(start, start + _PAIRS)
        others = looks.grays[second[part]]
        others = np.where(pairs.mirrored[part, None, None], others[:, :, ::-1], others)
        alike[part] = likeness(looks.grays[first[part]], others)
    return first, second, alike


def _resemble(looks: Looks, compared: NDArray[np.int64]) -> bool:
    """Copies stand apart from all else, unless pictures resemble by nature: told from some of them, evenly taken."""
    some = compared[:: 1 + len(compared) // _MANY]
    *_, alike = _compare(looks, some, levelled=False)
    same = int((alike >= _SAME).sum())
    almost = int((alike >= _ALMOST).sum()) - same
    return almost > 0.05 * len(some) and almost > 0.25 * same


def _connected(count: int, first: Sequence[int], second: Sequence[int]) -> list[int]:
    """For each of ``count`` things the least one that pairs connect it to."""
    leaders = list(range(count))

    def leader(i: int) -> int:
        while leaders[i] != i:
            leaders[i] = leaders[leaders[i]]
            i = leaders[i]
        return i

    for i, j in zip(first, second, strict=True):
        low, high = sorted((leader(i), leader(j)))
        leaders[high] = low
    return [leader(i) for i in range(count)]
