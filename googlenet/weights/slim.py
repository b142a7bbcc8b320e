"""TF-slim's checkpoints of InceptionV1, read and written through TensorFlow's own reader, without the slim code.

Slim's letters are Caffe's shifted by one (3a is Mixed_3b); its kernels are HWIO; its logits are a 1x1 convolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import ModelFileError
from googlenet.spec import OUTPUTS, Spec
from googlenet.variants import slim
from googlenet.weights.foreign import Foreign

_SCOPE = "InceptionV1"
_STEM = {
    "conv1/7x7_s2": "Conv2d_1a_7x7",
    "conv2/3x3_reduce": "Conv2d_2b_1x1",
    "conv2/3x3": "Conv2d_2c_3x3",
    OUTPUTS["main"]: "Logits/Conv2d_0c_1x1",
}
_BRANCHES = {
    "1x1": "Branch_0/Conv2d_0a_1x1",
    "3x3_reduce": "Branch_1/Conv2d_0a_1x1",
    "3x3": "Branch_1/Conv2d_0b_3x3",
    "5x5_reduce": "Branch_2/Conv2d_0a_1x1",
    "5x5": "Branch_2/Conv2d_0b_3x3",
    "pool_proj": "Branch_3/Conv2d_0b_1x1",
}
_ROLES = {
    "norm/beta": "BatchNorm/beta",
    "norm/mean": "BatchNorm/moving_mean",
    "norm/variance": "BatchNorm/moving_variance",
    "weight": "weights",
    "bias": "biases",
}


def slim_name(canonical: str) -> str:
    """Slim's name of a canonical tensor: ``inception_3a/3x3/weight`` ->
    ``InceptionV1/Mixed_3b/Branch_1/Conv2d_0b_3x3/weights``.
    """
    layer, role = next((canonical[: -len(role) - 1], role) for role in _ROLES if canonical.endswith(f"/{role}"))
    return f"{_SCOPE}/{_scope(layer)}/{_ROLES[role]}"


def _scope(layer: str) -> str:
    if layer in _STEM:
        return _STEM[layer]
    block, branch = layer.removeprefix("inception_").split("/")
    if (block, branch) == ("5a", "5x5"):  # slim's one exception, kept for the weights
        return "Mixed_5b/Branch_2/Conv2d_0a_3x3"
    return f"Mixed_{block[0]}{chr(ord(block[1]) + 1)}/{_BRANCHES[branch]}"


def read_slim_checkpoint(path: Path, reader: Any) -> Foreign:
    """The weights in a TF-slim checkpoint, which ``open_checkpoint`` opened.

    Optimiser slots, moving averages and the step are left; everything else must fit. Raises ``ModelFileError``.
    """
    shapes: dict[str, list[int]] = reader.get_variable_to_shape_map()
    logits = slim_name(f"{OUTPUTS['main']}/weight")
    if logits not in shapes:
        first = next(iter(sorted(shapes)), "nothing")
        raise ModelFileError(f"{path}: has no {logits}, InceptionV1's logits, but {first!r}; give slim's InceptionV1")
    spec = slim(shapes[logits][-1])
    names = {canonical: slim_name(canonical) for canonical in spec.tensors}
    for canonical, name in names.items():
        _check(path, name, shapes.get(name), _foreign_shape(canonical, spec))
    return Foreign(
        spec=spec,
        tensors={canonical: _to_canonical(canonical, reader.get_tensor(name)) for canonical, name in names.items()},
        transformed=tuple(f"{name}: HWIO to OIHW" for name in names.values() if name.endswith("/weights")),
        left=tuple(f"{name}: no weight of the network" for name in sorted(set(shapes) - set(names.values()))),
    )


def slim_tensors(spec: Spec, tensors: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Canonical tensors under slim's names and in slim's layout, for whoever writes a TensorFlow checkpoint."""
    if spec.variant != "slim":
        raise ModelFileError(
            f"a {spec.variant!r} network does not fit TF-slim's InceptionV1: batch norm, kernels or padding differ; "
            "keep it sealed"
        )
    return {slim_name(name): _from_canonical(name, tensors[name]) for name in spec.tensors}


def _foreign_shape(canonical: str, spec: Spec) -> tuple[int, ...]:
    return _from_canonical(canonical, np.empty(spec.tensors[canonical], np.float32)).shape


def _to_canonical(canonical: str, value: NDArray[Any]) -> NDArray[np.float32]:
    value = value.astype(np.float32)
    if canonical == f"{OUTPUTS['main']}/weight":
        return np.ascontiguousarray(value[0, 0].T)
    return np.ascontiguousarray(value.transpose(3, 2, 0, 1)) if value.ndim == 4 else value


def _from_canonical(canonical: str, value: NDArray[np.float32]) -> NDArray[np.float32]:
    if canonical == f"{OUTPUTS['main']}/weight":
        return np.ascontiguousarray(value.T)[None, None]
    return np.ascontiguousarray(value.transpose(2, 3, 1, 0)) if value.ndim == 4 else value


def _check(path: Path, name: str, found: list[int] | None, expected: tuple[int, ...]) -> None:
    if found is None:
        raise ModelFileError(f"{path}: has no {name}; give a whole checkpoint of slim's InceptionV1")
    if tuple(found) != expected:
        raise ModelFileError(f"{path}: {name} has the shape {tuple(found)}, {expected} was expected; give slim's own")
