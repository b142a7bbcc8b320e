"""The tutorial's TensorFlow weights: checkpoints whose inner names are made up anew in every run.

So nothing is matched by a whole name: a module is what has ``branch1`` to ``branch4``, a head what has ``fc1``; their
order, and in a head the width of what it reads, tell which one it is. Dense kernels after a flattening read rows,
columns, channels in TensorFlow and channels, rows, columns in PyTorch and here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from natsort import natsorted
from numpy.typing import NDArray

from googlenet.errors import ModelFileError
from googlenet.layers import Conv
from googlenet.spec import OUTPUTS, TABLE_1, Spec
from googlenet.variants import variant
from googlenet.weights.foreign import Foreign
from googlenet.weights.matching import check_shapes

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_BRANCH = re.compile(r"^(?P<group>.*?)/?(?P<branch>branch[1-4])/(?P<rest>.*)$")
_HEAD = re.compile(r"^(?P<group>.*?)/?(?P<part>conv|bn|fc1|fc2)/(?P<rest>.*)$")
_BRANCHES = {
    "branch1": ("1x1",),
    "branch2": ("3x3_reduce", "3x3"),
    "branch3": ("5x5_reduce", "5x5"),
    "branch4": ("pool_proj",),
}
_STEM = ("conv1/7x7_s2", "conv2/3x3_reduce", "conv2/3x3")
_HEAD_PARTS = {"conv": "conv", "fc": "fc1", "classifier": "fc2"}
_HEAD_WIDTHS = {512: "loss1", 528: "loss2"}
_ROLES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "norm/gamma",
    "beta": "norm/beta",
    "moving_mean": "norm/mean",
    "moving_variance": "norm/variance",
}


def is_tutorial(reader: Any) -> bool:
    """Whether a checkpoint has modules with four branches by the tutorial's attributes."""
    return any(_BRANCH.match(name) for name in reader.get_variable_to_shape_map())


def read_tutorial_checkpoint(path: Path, reader: Any) -> Foreign:
    """The weights in a checkpoint of the tutorial's ``model.py`` or ``model_add_bn.py``; ``open_checkpoint`` opened it.

    Optimiser slots and counters are left. Raises ``ModelFileError`` when something is missing or does not fit.
    """
    names = [name for name in reader.get_variable_to_shape_map() if _is_weight(name)]
    canonical = _canonical_names(path, {name: reader.get_tensor(name).shape for name in names})
    tensors = {ours: _to_canonical(ours, reader.get_tensor(name)) for name, ours in canonical.items()}
    spec = _spec(path, tensors)
    left = sorted(set(reader.get_variable_to_shape_map()) - set(canonical))
    return Foreign(
        spec=spec,
        tensors={name: tensors[name] for name in spec.tensors},
        transformed=tuple(
            f"{name}: to PyTorch's layout" for name in names if name.removesuffix(_VALUE)[-6:] == "kernel"
        ),
        left=tuple(f"{name}: no weight of the network" for name in left),
    )


def tutorial_tensors(spec: Spec, tensors: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Canonical tensors by the attributes and in the layout of the tutorial's model, as Keras 2 numbers its layers:
    by depth, so that the heads, which are outputs, come last.

    Raises ``ModelFileError`` for a network that is neither of the tutorial's two.
    """
    if spec.variant not in ("tutorial_tf", "tutorial_bn"):
        raise ModelFileError(f"a {spec.variant!r} network is not the tutorial's in TensorFlow; keep it sealed")
    groups = [*_STEM, *(f"inception_{module.name}" for module in TABLE_1), OUTPUTS["main"], "loss1", "loss2"]
    place = {group: f"layer_with_weights-{number}" for number, group in enumerate(groups)}
    return {_tutorial_name(name, place, spec): _from_canonical(name, tensors[name]) for name in spec.tensors}


def _tutorial_name(canonical: str, place: Mapping[str, str], spec: Spec) -> str:
    role = next(theirs for theirs, ours in _ROLES.items() if canonical.endswith(f"/{ours}"))
    layer = canonical.removesuffix(f"/{_ROLES[role]}")
    if spec.batch_norm is not None and isinstance(spec.layer(layer), Conv):
        role = f"conv/{role}" if role in ("kernel", "bias") else f"bn/{role}"
    if layer in place:
        return f"{place[layer]}/{role}"
    block, _, part = layer.partition("/")
    if block in ("loss1", "loss2"):
        return f"{place[block]}/{_HEAD_PARTS[part]}/{role}"
    branch, layers = next(entry for entry in _BRANCHES.items() if part in entry[1])
    inner = "" if branch == "branch1" else f"layer_with_weights-{layers.index(part)}/"
    return f"{place[block]}/{branch}/{inner}{role}"


def _is_weight(name: str) -> bool:
    return "OPTIMIZER_SLOT" not in name and name.removesuffix(_VALUE).rsplit("/", 1)[-1] in _ROLES


def _canonical_names(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """The checkpoint's name -> ours."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)  # a layer of the model -> inner path -> name
    for name in shapes:
        plain = name.removesuffix(_VALUE)
        match = _BRANCH.match(plain) or _HEAD.match(plain)
        group = match["group"] if match else plain.rsplit("/", 1)[0]
        groups[group][plain[len(group) :].strip("/")] = name
    kinds: dict[str, list[str]] = defaultdict(list)
    for group in natsorted(groups):
        kinds[_kind(groups[group], shapes)].append(group)
    found = {"module": len(kinds["module"]), "convolution": len(kinds["convolution"]), "dense": len(kinds["dense"])}
    if found != {"module": len(TABLE_1), "convolution": len(_STEM), "dense": 1} or len(kinds["head"]) not in (0, 2):
        raise ModelFileError(f"{path}: has {found} and {len(kinds['head'])} heads; a GoogLeNet has 9, 3, 1 and 0 or 2")
    result: dict[str, str] = {}
    for module, group in zip(TABLE_1, kinds["module"], strict=True):
        result |= _module_names(f"inception_{module.name}", groups[group])
    for group in kinds["head"]:
        result |= _head_names(path, groups[group], shapes)
    for layer, group in zip((*_STEM, OUTPUTS["main"]), kinds["convolution"] + kinds["dense"], strict=True):
        result |= {name: f"{layer}/{_role(name)}" for name in groups[group].values()}
    return result


def _kind(members: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]) -> str:
    if any(inner.startswith("branch") for inner in members):
        return "module"
    if any(inner.startswith("fc1/") for inner in members):
        return "head"
    kernels = [name for name in members.values() if _role(name) == "weight"]
    return "convolution" if kernels and len(shapes[kernels[0]]) == 4 else "dense"


def _module_names(block: str, members: Mapping[str, str]) -> dict[str, str]:
    result = {}
    for branch, layers in _BRANCHES.items():
        inner = {path: name for path, name in members.items() if path.startswith(f"{branch}/")}
        # In a branch of several layers the second path component numbers them, whatever it is called.
        numbers = natsorted({path.split("/")[1] for path in inner}) if len(layers) > 1 else []
        for path, name in inner.items():
            layer = layers[numbers.index(path.split("/")[1])] if numbers else layers[0]
            result[name] = f"{block}/{layer}/{_role(name)}"
    return result


def _head_names(path: Path, members: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    kernel = next(name for inner, name in members.items() if inner.startswith("conv/") and _role(name) == "weight")
    width = shapes[kernel][2]
    if width not in _HEAD_WIDTHS:
        raise ModelFileError(f"{path}: {kernel} reads {width} channels; the heads of a GoogLeNet read 512 and 528")
    layers = {theirs: ours for ours, theirs in _HEAD_PARTS.items()}
    block = _HEAD_WIDTHS[width]
    return {name: f"{block}/{layers[inner.split('/')[0]]}/{_role(name)}" for inner, name in members.items()}


def _role(name: str) -> str:
    return _ROLES[name.removesuffix(_VALUE).rsplit("/", 1)[-1]]


def _to_canonical(canonical: str, value: NDArray[Any]) -> NDArray[np.float32]:
    value = value.astype(np.float32)
    if canonical.endswith("/fc/weight"):
        value = value.reshape(4, 4, -1, value.shape[1]).transpose(2, 0, 1, 3).reshape(value.shape)
    if value.ndim == 4:
        value = value.transpose(3, 2, 0, 1)
    elif value.ndim == 2:
        value = value.T
    return np.ascontiguousarray(value)


def _from_canonical(canonical: str, value: NDArray[np.float32]) -> NDArray[np.float32]:
    if value.ndim == 4:
        value = value.transpose(2, 3, 1, 0)
    elif value.ndim == 2:
        value = value.T
    if canonical.endswith("/fc/weight"):
        value = value.reshape(-1, 4, 4, value.shape[1]).transpose(1, 2, 0, 3).reshape(value.shape)
    return np.ascontiguousarray(value)


def _spec(path: Path, tensors: Mapping[str, NDArray[np.float32]]) -> Spec:
    name = "tutorial_bn" if "conv1/7x7_s2/norm/gamma" in tensors else "tutorial_tf"
    classes = len(tensors[f"{OUTPUTS['main']}/weight"])
    spec = variant(name, classes, aux_heads="loss1/fc/weight" in tensors)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    check_shapes(path, shapes, spec, "give the weights of an unchanged model of the tutorial")
    return spec
