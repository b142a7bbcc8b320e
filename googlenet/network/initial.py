"""The weights that training starts with, drawn by NumPy: the same for a seed, whatever the framework."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from googlenet import layers
from googlenet.spec import Spec


def initial_weights(spec: Spec, seed: int) -> dict[str, NDArray[np.float32]]:
    """Canonical tensors by the spec's initialisation; batch norm begins as the identity."""
    rng = np.random.default_rng(seed)
    classifiers = set(spec.outputs.values())
    tensors = {}
    for layer in spec.layers:
        for name, shape in (layer.parameters() | layer.statistics()).items():
            is_classifier = layer.name in classifiers
            if name.endswith("/weight"):
                values = _weight(rng, spec, shape, is_conv=isinstance(layer, layers.Conv), is_classifier=is_classifier)
            elif name.endswith(("/gamma", "/variance")):
                values = np.ones(shape, np.float32)
            else:
                is_caffe_bias = name == f"{layer.name}/bias" and spec.init == "xavier_uniform" and not is_classifier
                values = np.full(shape, 0.2 if is_caffe_bias else 0.0, np.float32)
            tensors[name] = values
    return tensors


def _weight(
    rng: np.random.Generator, spec: Spec, shape: tuple[int, ...], *, is_conv: bool, is_classifier: bool
) -> NDArray[np.float32]:
    """A weight whose first axis is the output."""
    fan_in = int(np.prod(shape[1:]))
    if spec.init == "xavier_uniform":  # Caffe's: by the inputs alone
        return (rng.random(shape, np.float32) * 2 - 1) * np.float32(sqrt(3 / fan_in))
    if spec.init == "truncated_normal" or is_classifier:
        deviation = 0.01
    else:
        fan_out = shape[0] * int(np.prod(shape[2:]))
        deviation = sqrt(2 / (fan_out if is_conv else fan_in))
    return rng.standard_normal(shape, np.float32) * np.float32(deviation)
