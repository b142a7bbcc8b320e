"""Which pairs of images may be copies of one another: every pair is compared, coarsely, as products of matrices.

A picture is described by its colours in 6 × 6 fields, the middle weighing most, less their mean, as a vector of length
1; the product of two such vectors is their correlation. Of each vector the part that a mirror leaves and the part that
it turns are kept apart: with s and t the products of these parts, a pair correlates by s + t as it lies, by s - t
mirrored.

Most photographs are bright above and dark below, and correlate by that alone. Where there are enough of them to tell
what is usual, the vectors are laid along their principal axes, what varies most is made to count less, and what hardly
varies is left out: far fewer pairs remain that only look alike, and the products take half the time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

_ALIKE = 0.86
_AXES = 48  # of 108
_LEVELLED = 0.4  # 0: an axis counts as much as pictures vary along it; 0.5: all axes count the same
_MOST = 5  # candidates of one image: in a film, any frame resembles thousands, and the nearest ones connect them all
_ROWS, _COLUMNS = 256, 1024  # of a block that stays in the processor's cache
# Luma and two differences of colour (ITU-R BT.601), the latter doubled: they change least from copy to copy.
_LUMA_CHROMA = np.array([[0.299, 0.587, 0.114], [-0.338, -0.662, 1.0], [1.0, -0.838, -0.162]], np.float32).T

Floats = NDArray[np.float32]
Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], Floats]


class Pairs(NamedTuple):
    """Positions of images that may be copies, ``first`` < ``second``."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mirrored: NDArray[np.bool_]


def candidate_pairs(colours: NDArray[np.uint8], *, levelled: bool = False) -> Pairs:
    """The pairs among n thumbnails (n, side, side, 3) that are alike as they lie or mirrored; ``side`` is even.

    ``levelled``: what these pictures have in common by their kind counts less; for many pictures, a thousand or more.
    """
    kept, turned = _halves(colours)
    if levelled:
        kept, turned = _levelled(kept, turned)
    parts = [_nearest(*part) for part in _alike(kept, turned)]
    if not parts:
        return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_))
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _halves(colours: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Of each vector, the part that a mirror leaves as it is and the part that it turns round: (n, features) each."""
    side = colours.shape[1]
    window = np.sqrt(np.hanning(side + 2)[1:-1]).astype(np.float32)
    weights = (window[:, None] * window)[..., None]
    fields = colours.astype(np.float32) @ _LUMA_CHROMA
    fields -= (fields * weights).sum((1, 2), keepdims=True) / weights.sum()
    fields *= np.sqrt(weights)
    fields /= np.sqrt((fields**2).sum((1, 2, 3), keepdims=True)).clip(1e-3)
    left, right = fields[:, :, : side // 2], fields[:, :, : side // 2 - 1 : -1]
    root = np.float32(np.sqrt(0.5))
    shape = len(fields), side * (side // 2) * 3
    return ((left + right) * root).reshape(shape), ((left - right) * root).reshape(shape)


def _levelled(kept: Floats, turned: Floats) -> tuple[Floats, Floats]:
    """The vectors along their principal axes, levelled, of length 1 again: a mirror leaves and turns them as before."""
    parts = [(part, *np.linalg.eigh(part.T @ part / len(part))) for part in (kept, turned)]
    least = np.sort(np.concatenate([variances for _, variances, _ in parts]))[-_AXES].clip(1e-6)
    still, mirrored = (
        part @ (axes * variances.clip(least) ** -np.float32(_LEVELLED))[:, variances >= least]
        for part, variances, axes in parts
    )
    lengths = np.sqrt((still**2).sum(1, keepdims=True) + (mirrored**2).sum(1, keepdims=True)).clip(1e-3)
    return still / lengths, mirrored / lengths


def _alike(kept: Floats, turned: Floats) -> Iterator[Found]:
    """Block of rows by block, in threads: first, second, whether mirrored, and how alike."""
    # One thread of BLAS for each of ours: products this small are slower, not faster, when several share one.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        for blocks in pool.map(lambda top: _alike_rows(kept, turned, top), range(0, len(kept), _ROWS)):
            if blocks:
                first, second, mirrored, how = (np.concatenate(column) for column in zip(*blocks, strict=True))
                yield first, second, mirrored, how


def _alike_rows(kept: Floats, turned: Floats, top: int) -> list[Found]:
    """The pairs of which the first is one of the rows from ``top``."""
    found = []
    rows = slice(top, top + _ROWS)
    for left in range(top, len(kept), _COLUMNS):
        columns = slice(left, left + _COLUMNS)
        same, other = kept[rows] @ kept[columns].T, turned[rows] @ turned[columns].T
        alike = np.abs(other)
        alike += same
        if alike.max() < _ALIKE:
            continue
        i, j = np.divmod(np.flatnonzero(alike >= _ALIKE), alike.shape[1])
        upper = top + i < left + j
        i, j = i[upper], j[upper]
        found.append((top + i, left + j, other[i, j] < 0, alike[i, j]))
    return found


def _nearest(
    first: NDArray[np.int64], second: NDArray[np.int64], mirrored: NDArray[np.bool_], how: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """At most ``_MOST`` pairs of each ``first``, the most alike."""
    order = np.lexsort((-how, first))
    first, second, mirrored = first[order], second[order], mirrored[order]
    starts = np.searchsorted(first, first)
    near = np.arange(len(first)) - starts < _MOST
    return first[near], second[near], mirrored[near]
