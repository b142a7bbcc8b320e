"""What stands between two layers, told from the probe that the first one gave and from what reached the second."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from googlenet.conformance.lrn_fit import fit_lrn
from googlenet.conformance.recorder import Array, Step
from googlenet.spec import LRN

_EXACT = 1e-4  # of the largest value: between rounding and anything that is meant


@dataclass(frozen=True, kw_only=True)
class Gap:
    """What is done to one layer's output on the way to one reader."""

    relu: bool = False
    lrn: LRN | None = None
    dropout: float = 0.0
    shifted: bool = False  # a constant per channel is added
    scaled: bool = False  # … and a factor applied
    other: str | None = None  # in words, where it is nothing of these


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a layer reads: the steps whose channels lie one after the other, and what was done to each one's."""

    order: tuple[int, ...] | None  # None: they are not concatenated but combined in another way
    gaps: tuple[Gap, ...] = ()
    padded: tuple[int, int] = (0, 0)  # pixels above and on the left


def read(step: Step, steps: list[Step]) -> Reading:
    """How what reached ``step`` is made of what its sources gave."""
    sources = sorted(step.sources)
    made = [steps[source].made for source in sources]
    arrived = step.arrived
    padded = (0, 0)
    if not made:
        return Reading(order=None)
    if arrived.ndim == 3 and made[0].ndim == 3 and arrived.shape[1:] != made[0].shape[1:]:
        arrived, padded = _without_padding(arrived, made[0].shape[1:])
    if sum(part.size for part in made) != arrived.size:
        order = tuple(sources) if len(sources) == 1 else None
        return Reading(order=order, gaps=(Gap(other="only a part of it, or in another shape"),))
    if len(sources) > 1:
        if len({part.shape[1:] for part in made}) > 1 or made[0].ndim != 3:
            return Reading(order=None)
        places = _places(made, arrived.reshape(-1, *made[0].shape[1:]))
        sources = [sources[place] for place in places]
        made = [made[place] for place in places]
    gaps, start = [], 0
    flat = arrived.reshape(-1)
    for source, part in zip(sources, made, strict=True):
        piece = flat[start : start + part.size].reshape(part.shape)
        gaps.append(classify(part, piece, norm=steps[source].norm))
        start += part.size
    return Reading(order=tuple(sources), gaps=tuple(gaps), padded=padded)


def _without_padding(arrived: Array, size: tuple[int, ...]) -> tuple[Array, tuple[int, int]]:
    """The map inside a border of one value, and the border's width above and on the left."""
    spare = arrived.shape[1] - size[0], arrived.shape[2] - size[1]
    if min(spare) < 0:
        return arrived, (0, 0)
    for top, left in product(range(spare[0] + 1), range(spare[1] + 1)):
        border = np.ones(arrived.shape[1:], bool)
        border[top : top + size[0], left : left + size[1]] = False
        values = arrived[:, border]
        if (values == values.flat[0]).all() and values.flat[0] <= 0:
            return arrived[:, top : top + size[0], left : left + size[1]], (top, left)
    return arrived, (0, 0)


def _places(made: list[Array], arrived: Array) -> list[int]:
    """The sources in the order in which their channels arrived: by the likeness of the patterns, each channel a vote.

    Half the values are cut by a ReLU: a channel and its pattern still correlate at 0.86, strangers hardly.
    """
    patterns = _normalised(np.concatenate(made))
    owner = np.repeat(np.arange(len(made)), [len(part) for part in made])
    likeness = np.abs(patterns @ _normalised(arrived).T)  # (channels made, channels arrived)
    found = likeness.argmax(0)
    alive = likeness.max(0) > 0
    places = np.arange(len(arrived))
    middles = [np.median(places[alive & (owner[found] == i)]) for i in range(len(made))]
    return sorted(range(len(made)), key=lambda i: (np.isnan(middles[i]), middles[i]))


def _normalised(channels: Array) -> NDArray[np.float64]:
    rows = channels.reshape(len(channels), -1).astype(np.float64)
    rows -= rows.mean(1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
    return rows


def classify(x: Array, y: Array, *, norm: bool = False) -> Gap:
    """What turned ``x`` into ``y``, arrays of one shape (channels, …). ``norm``: a batch norm is known to be in it."""
    plain = _elementwise(x, y)
    if plain is not None:
        return plain
    if x.ndim == 3:
        affine = _affine(x, y)
        if affine is not None:
            return affine
        if norm and (dropped := _affine(x, y, dropout=True)) is not None:
            return dropped
        for relu in (True, False):
            lrn = fit_lrn(np.maximum(x, 0) if relu else x, y)
            if lrn is not None:
                return Gap(relu=relu, lrn=lrn)
    relu = not (y < 0).any()
    if norm and x.ndim == 1:  # one value per channel: nothing to fit, and the norm explains it
        return Gap(relu=relu, scaled=True)
    if x.ndim == 3 and _elementwise(x.transpose(1, 2, 0).reshape(-1), y.reshape(-1)) is not None:
        return Gap(relu=relu, other="flattened by rows, columns and channels, not by channels first")
    if np.array_equal(np.sort(np.maximum(x, 0), axis=None), np.sort(np.maximum(y, 0), axis=None)):
        return Gap(relu=relu, other="its values arrive in another order")
    return Gap(relu=relu, other="a function that the paper does not have there")


def _elementwise(x: Array, y: Array) -> Gap | None:
    """Nothing, a ReLU, a dropout, or the last two; None for anything else."""
    relu = not (y < 0).any()
    base = np.maximum(x, 0) if relu else x
    if np.array_equal(y, base):
        return Gap(relu=relu)
    kept = y != 0
    if not kept.any() or (base[kept] == 0).any():
        return None
    factor = float(np.median(y[kept] / base[kept]))
    dropped = (base[~kept] != 0).any()
    if dropped and factor > 1 and np.allclose(y[kept], factor * base[kept], rtol=_EXACT):
        return Gap(relu=relu, dropout=round(1 - 1 / factor, 4))
    return None


def _affine(x: Array, y: Array, *, dropout: bool = False) -> Gap | None:
    """A factor and a constant per channel, and perhaps a ReLU: a bias added by hand, a batch norm, a transform.

    With ``dropout`` any values may be zero beyond those; their share is the rate, to about two digits.
    """
    relu = not (y < 0).any()
    before, after = (part.reshape(len(part), -1).astype(np.float64) for part in (x, y))
    factors, shifts = [], []
    alive = dropped = 0
    for channel, result in zip(before, after, strict=True):
        seen = result > 0 if relu else result != 0 if dropout else np.ones(len(result), bool)
        if seen.sum() < 2:
            continue
        inputs, results = channel[seen], result[seen]
        low, high = inputs.argmin(), inputs.argmax()
        factor = (results[high] - results[low]) / (inputs[high] - inputs[low])
        shift = results[low] - factor * inputs[low]
        expected = factor * channel + shift
        expected = np.maximum(expected, 0) if relu else expected
        if dropout:
            alive += int((expected != 0).sum())
            dropped += int(((expected != 0) & (result == 0)).sum())
            expected = np.where(result == 0, 0, expected)
        if not np.allclose(result, expected, rtol=0, atol=_EXACT * max(np.abs(result).max(), 1e-12)):
            return None
        factors.append(factor)
        shifts.append(shift)
    if not factors:
        return None
    scaled = bool(np.abs(np.array(factors) - 1).max() > _EXACT)
    return Gap(relu=relu, shifted=True, scaled=scaled, dropout=round(dropped / max(alive, 1), 2))


def answers(x: Array, y: Array) -> Gap:
    """What is done to a classifier's logits ``x`` before they are given as ``y``: nothing, softmax or its logarithm."""
    if y.shape == x.shape and not np.array_equal(x, y):
        shifted = x.astype(np.float64) - x.max()
        log = shifted - np.log(np.exp(shifted).sum())
        if np.allclose(y, np.exp(log), atol=1e-5) or np.allclose(y, log, rtol=1e-4, atol=1e-4):
            return Gap()
        return classify(x, y)
    return Gap() if y.shape == x.shape else Gap(other="only a part of it, or in another shape")
