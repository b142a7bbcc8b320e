"""Which arithmetic to train in: bf16 where the device has it and a self-test agrees with float32, else float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from googlenet.network.initial import initial_weights
from googlenet.settings import Precision
from googlenet.spec import Spec
from googlenet.weights.model_file import Tensors

# bf16 keeps 8 bits, an error of 0.4 % per operation; a broken kernel is off by far more than this.
_TOLERANCE = 0.1

Arithmetic = Literal["bf16", "fp32"]


@dataclass(frozen=True)
class ChosenPrecision:
    """The arithmetic of a run and the reason in words."""

    name: Arithmetic
    reason: str


@dataclass(frozen=True, eq=False)
class Probe:
    """A small network, weights and a batch: a framework computes the gradients of the mean cross entropy, dropout off
    and batch norm by its running statistics, in a given arithmetic.
    """

    spec: Spec
    tensors: Tensors
    images: NDArray[np.float32]  # (N, 3, size, size)
    labels: NDArray[np.int64]  # (N,)


Gradients: TypeAlias = Callable[[Probe, Arithmetic], NDArray[np.float32]]
"""Every gradient as one vector."""


def choose_precision(wish: Precision, spec: Spec, gradients: Gradients, *, lacking: str | None) -> ChosenPrecision:
    """Settle ``auto`` for this machine; an explicit wish is granted without a test.

    ``lacking`` says in words why bf16 would not help here; None where it would.
    """
    if wish != "auto":
        return ChosenPrecision(wish, "as asked")
    if lacking:
        return ChosenPrecision("fp32", lacking)
    difference = bf16_difference(spec, gradients)
    if difference <= _TOLERANCE:
        return ChosenPrecision("bf16", f"self-test: gradients differ from fp32 by {difference:.1%}")
    return ChosenPrecision("fp32", f"bf16 failed its self-test: gradients differ from fp32 by {difference:.1%}")


def bf16_difference(spec: Spec, gradients: Gradients) -> float:
    """Relative difference of a small network's gradients between bf16 and float32; infinite where not finite."""
    small = spec.without_heads().scaled(1 / 4)
    images = np.random.default_rng(0).standard_normal((4, 3, 96, 96), np.float32)
    probe = Probe(small, initial_weights(small, seed=0), images, np.zeros(4, np.int64))
    exact, rounded = gradients(probe, "fp32"), gradients(probe, "bf16")
    difference = float(np.linalg.norm(rounded - exact) / np.linalg.norm(exact))
    return difference if np.isfinite(difference) else float("inf")
