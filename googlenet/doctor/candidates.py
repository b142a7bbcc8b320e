"""Which pairs of images may be copies of one another: every pair is compared, coarsely, as products of matrices.

A picture is described by its colours in 6 × 6 fields, the middle weighing most, less their mean, as a vector of length
1; the product of two such vectors is their correlation. Of each vector the part that a mirror leaves and the part that
it turns are kept apart: with s and t the products of these parts, a pair correlates by s + t as it lies, by s - t
mirrored. Since neither can be more than s plus the product of the turned parts' lengths, which is one product of
matrices, t is computed for the few pairs alone that may reach the threshold by that.

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
_ROWS, _COLUMNS = 256, 1024  # of a block of products that stays in the processor's cache
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
    """Rows by rows, in threads: first, second, whether mirrored, and how alike."""
    bounds = np.hstack([kept, np.sqrt((turned**2).sum(1, keepdims=True))])

    def alike_rows(top: int) -> Found:
        first, second = _promising_rows(bounds, top)
        same = np.einsum("ij,ij->i", kept[first], kept[second])
        other = np.einsum("ij,ij->i", turned[first], turned[second])
        alike = same + np.abs(other)
        good = np.flatnonzero(alike >= _ALIKE)
        return first[good], second[good], other[good] < 0, alike[good]

    # One thread of BLAS for each of ours: products this small are slower, not faster, when several share one.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(alike_rows, range(0, len(kept), _ROWS))


def _promising_rows(bounds: Floats, top: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs whose product reaches the threshold and of which the first is one of the rows from ``top``."""
    rows = bounds[top : top + _ROWS]
    # Room for a product and what of it reaches the threshold: taken anew for each, it costs as much as half of them.
    room, reaching = np.empty((len(rows), _COLUMNS), np.float32), np.empty((len(rows), _COLUMNS), np.bool_)
    pairs = []
    for left in range(top, len(bounds), _COLUMNS):
        columns = bounds[left : left + _COLUMNS]
        products = np.matmul(rows, columns.T, out=room[:, : len(columns)])
        found = np.flatnonzero(np.greater_equal(products, _ALIKE, out=reaching[:, : len(columns)]))
        pairs.append((top + found // len(columns), left + found % len(columns)))
    first, second = (np.concatenate(column) for column in zip(*pairs, strict=True))
    upper = first < second
    return first[upper], second[upper]


def _nearest(
    first: NDArray[np.int64], second: NDArray[np.int64], mirrored: NDArray[np.bool_], how: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """At most ``_MOST`` pairs of each ``first``, the most alike."""
    order = np.lexsort((-how, first))
    first, second, mirrored = first[order], second[order], mirrored[order]
    starts = np.searchsorted(first, first)
    near = np.arange(len(first)) - starts < _MOST
    return first[near], second[near], mirrored[near]
