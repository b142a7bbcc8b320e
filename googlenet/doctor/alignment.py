"""How alike two pictures are once one is laid over the other, cropped, stretched and brightened as fits best.

The warp is found by Lucas and Kanade's method in its inverse compositional form (Baker and Matthews, *Lucas-Kanade 20
Years On*, IJCV 2004), on half the size first. What is compared then is the slopes of the gray values: two dandelions
before a lawn share their shading, but only copies share their details.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_MOST_SCALE, _MOST_SHIFT = 1.15, 0.15  # of a copy cropped a little; half the picture is 1
_MOST_STEP = 0.1
_BLACK, _WHITE = 4, 251  # beyond, brightening has cut the values off
_PROMISING = 0.75  # likeness at half the size, below which the whole size is not tried
_BATCH = 256


def likeness(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Floats:
    """How alike the n pairs of gray pictures (n, side, side) are, by the details that they share: -1 to 1."""

    def part(start: int) -> Floats:
        pair = [pictures[start : start + _BATCH].astype(np.float32) for pictures in (first, second)]
        both = _likeness(np.concatenate(pair), np.concatenate(pair[::-1]))  # either may be the one that was cropped
        best: Floats = both.reshape(2, -1).max(0)
        return best

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate([np.zeros(0, np.float32), *pool.map(part, range(0, len(first), _BATCH))])


def _likeness(target: Floats, source: Floats) -> Floats:
    warp = np.tile(np.array([1, 0, 1, 0], np.float32), (len(target), 1))  # scale and shift across, then down
    warp, result = _align_and_compare(_halved(target), _halved(source), warp, iterations=5)
    rest = np.flatnonzero(result >= _PROMISING)
    if len(rest):
        _, result[rest] = _align_and_compare(target[rest], source[rest], warp[rest], iterations=4)
    return result


def _align_and_compare(target: Floats, source: Floats, warp: Floats, iterations: int) -> tuple[Floats, Floats]:
    warp = _align(target, source, warp, iterations)
    laid, inside = _lay(source, warp)
    inside &= (target > _BLACK) & (target < _WHITE) & (laid > _BLACK) & (laid < _WHITE)
    return warp, _correlation(_slopes(target), _slopes(laid), inside)


def _align(target: Floats, source: Floats, warp: Floats, iterations: int) -> Floats:
    """A better ``warp`` (n, 4): where in ``source`` each pixel of ``target`` lies."""
    side = target.shape[1]
    places = _places(side)
    down, across = np.gradient(target, 2 / side, axis=(1, 2))
    steepest = np.stack([across * places, across, down * places[:, None], down], -1).reshape(len(target), -1, 4)
    hessian = steepest.swapaxes(1, 2) @ steepest
    hessian += np.eye(4, dtype=np.float32) * (1e-3 * np.trace(hessian, axis1=1, axis2=2)[:, None, None] + 1e-3)
    solver = np.linalg.inv(hessian)
    for _ in range(iterations):
        laid, inside = _lay(source, warp)
        difference = ((_fit(laid, target, inside) - target) * inside).reshape(len(target), -1, 1)
        step = (solver @ (steepest.swapaxes(1, 2) @ difference))[..., 0].clip(-_MOST_STEP, _MOST_STEP)
        warp = _composed(warp, step)
    return warp


def _composed(warp: Floats, step: Floats) -> Floats:
    """``warp`` after the inverse of the small warp ``step``."""
    scale = warp[:, 0::2] / (1 + step[:, 0::2])
    shift = warp[:, 1::2] - scale * step[:, 1::2]
    scale = scale.clip(1 / _MOST_SCALE, _MOST_SCALE)
    shift = shift.clip(-_MOST_SHIFT, _MOST_SHIFT)
    return np.stack([scale[:, 0], shift[:, 0], scale[:, 1], shift[:, 1]], 1)


def _lay(source: Floats, warp: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """``source`` through the warp, and which pixels of the result lie inside it."""
    side = source.shape[1]
    across, inside_across = _interpolation(side, warp[:, 0], warp[:, 1])
    down, inside_down = _interpolation(side, warp[:, 2], warp[:, 3])
    laid: Floats = np.matmul(np.matmul(down, source), across.swapaxes(1, 2))
    return laid, inside_down[:, :, None] & inside_across[:, None, :]


def _interpolation(side: int, scale: Floats, shift: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Matrices (n, side, side) that read a row linearly at the places that the warp asks for."""
    pixels = ((_places(side) * scale[:, None] + shift[:, None]) + 1) * (side / 2) - 0.5
    inside = (pixels > -0.75) & (pixels < side - 0.25)
    distance = np.abs(pixels.clip(0, side - 1)[..., None] - np.arange(side, dtype=np.float32))
    return np.maximum(0, 1 - distance).astype(np.float32, copy=False), inside


def _places(side: int) -> Floats:
    """The middles of ``side`` pixels, from -1 to 1."""
    return ((2 * np.arange(side) + 1) / side - 1).astype(np.float32)


def _fit(laid: Floats, target: Floats, inside: NDArray[np.bool_]) -> Floats:
    """``laid`` as bright and as rich in contrast as ``target``."""
    count = inside.sum((1, 2), keepdims=True, dtype=np.float32).clip(1)
    mean, wanted = ((picture * inside).sum((1, 2), keepdims=True) / count for picture in (laid, target))
    centred, other = (laid - mean) * inside, (target - wanted) * inside
    gain = (centred * other).sum((1, 2), keepdims=True) / (centred**2).sum((1, 2), keepdims=True).clip(1e-3)
    result: Floats = (laid - mean) * gain + wanted
    return result


def _slopes(pictures: Floats) -> Floats:
    """(n, 2, side, side): down and across."""
    down, across = np.gradient(pictures, axis=(1, 2))
    return np.stack([down, across], 1)


def _correlation(first: Floats, second: Floats, inside: NDArray[np.bool_]) -> Floats:
    inside = inside[:, None]
    product = (first * second * inside).sum((1, 2, 3))
    norms = (first**2 * inside).sum((1, 2, 3)) * (second**2 * inside).sum((1, 2, 3))
    result: Floats = product / np.sqrt(norms.clip(1e-3))
    return result


def _halved(pictures: Floats) -> Floats:
    rows = pictures[:, 0::2] + pictures[:, 1::2]
    small: Floats = (rows[:, :, 0::2] + rows[:, :, 1::2]) * np.float32(0.25)
    return small
