"""PyTorch checkpoints of torchvision's GoogLeNet and of the tutorial's: ``.pth`` files, read without running anything.

Both name their layers alike (``inception3a.branch2.1``); torchvision's have batch norm, the tutorial's have biases.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import MissingExtraError, ModelFileError
from googlenet.saving import atomic_write
from googlenet.spec import Spec
from googlenet.variants import variant
from googlenet.weights.foreign import Foreign

if TYPE_CHECKING:
    from torch import Tensor

_LAYERS = {
    "conv1/7x7_s2": "conv1",
    "conv2/3x3_reduce": "conv2",
    "conv2/3x3": "conv3",
    "loss3/classifier": "fc",
    "loss1/conv": "aux1.conv",
    "loss1/fc": "aux1.fc1",
    "loss1/classifier": "aux1.fc2",
    "loss2/conv": "aux2.conv",
    "loss2/fc": "aux2.fc1",
    "loss2/classifier": "aux2.fc2",
}
_BRANCHES = {
    "1x1": "branch1",
    "3x3_reduce": "branch2.0",
    "3x3": "branch2.1",
    "5x5_reduce": "branch3.0",
    "5x5": "branch3.1",
    "pool_proj": "branch4.1",
}
_NORM = {
    "norm/gamma": "bn.weight",
    "norm/beta": "bn.bias",
    "norm/mean": "bn.running_mean",
    "norm/variance": "bn.running_var",
}
_COUNTER = "num_batches_tracked"
_WRAPPERS = ("state_dict", "model", "model_state_dict")
WRITABLE = ("torchvision", "tutorial")


def read_torch_checkpoint(path: Path) -> Foreign:
    """The weights in a ``.pth`` file under their canonical names.

    A ``module.`` prefix (DataParallel) and a dictionary around the weights are accepted; half, bfloat16 and double
    values become float32. Only tensors are read: a pickle with anything else in it is refused, nothing of it is run.
    Raises ``ModelFileError`` for a file that is damaged, hostile, or of another network.
    """
    state = _state_dict(path)
    spec = _spec_of(path, {name: tuple(tensor.shape) for name, tensor in state.items()})
    keys = {torch_key(spec, name): name for name in spec.tensors}
    missing = [key for key in keys if key not in state]
    if missing:
        raise ModelFileError(f"{path}: has no {missing[0]!r} and {len(missing) - 1} more; give a whole checkpoint")
    counters = {key: int(state[key]) for key in state if key.endswith(_COUNTER)}
    unknown = [key for key in state if key not in keys and key not in counters]
    if unknown:
        raise ModelFileError(f"{path}: {unknown[0]!r} is of no layer of {spec.variant}; give a GoogLeNet's weights")
    return Foreign(
        spec=spec,
        tensors={name: _array(state[key]) for key, name in keys.items()},
        transformed=tuple(
            f"{key}: {str(state[key].dtype).removeprefix('torch.')} to float32"
            for key in keys
            if str(state[key].dtype) != "torch.float32"
        ),
        extra={_COUNTER: counters} if counters else {},
    )


def write_torch_checkpoint(
    path: Path, spec: Spec, tensors: Mapping[str, NDArray[np.float32]], counters: Mapping[str, int]
) -> None:
    """Write a state dict that torchvision's model, or the tutorial's, loads with ``strict=True``.

    ``counters``: what ``num_batches_tracked`` was, 0 where nothing is known. Raises ``ModelFileError`` for a variant
    that neither of them can hold.
    """
    if spec.variant not in WRITABLE:
        raise ModelFileError(
            f"{path}: a {spec.variant!r} network fits no PyTorch model in the wild ({', '.join(WRITABLE)} do): "
            "its layers differ from theirs; keep it sealed"
        )
    torch = _torch()
    state: dict[str, Tensor] = {}
    for name in spec.tensors:
        key = torch_key(spec, name)
        state[key] = torch.from_numpy(np.array(tensors[name]))
        if key.endswith("running_var"):
            counter = key.replace("running_var", _COUNTER)
            state[counter] = torch.tensor(counters.get(counter, 0))
    buffer = io.BytesIO()
    torch.save(state, buffer)
    atomic_write(path, [buffer.getvalue()])


def torch_key(spec: Spec, canonical: str) -> str:
    """PyTorch's name of a canonical tensor: ``inception_3a/3x3/weight`` -> ``inception3a.branch2.1.conv.weight``."""
    layer, role = next(
        (canonical[: -len(role) - 1], role) for role in (*_NORM, "weight", "bias") if canonical.endswith(f"/{role}")
    )
    if layer.startswith("inception_"):
        block, branch = layer.split("/")
        prefix = f"{block.replace('_', '')}.{_BRANCHES[branch]}"
    else:
        prefix = _LAYERS[layer]
    is_linear = len(spec.tensors[f"{layer}/weight"]) == 2
    return f"{prefix}.{role if is_linear else _NORM.get(role, f'conv.{role}')}"


def _state_dict(path: Path) -> dict[str, Tensor]:
    torch = _torch()
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile or damaged file can raise anything in there
        reason = str(error).split("\n")[0][:200]
        raise ModelFileError(
            f"{path}: cannot be read as plain tensors ({reason}); save its state_dict alone, or fetch the file again"
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise ModelFileError(f"{path}: holds no state dict but a {type(content).__name__}; save model.state_dict()")
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def _spec_of(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Spec:
    """Which of the two networks has these shapes."""
    classifier, kernel = shapes.get("fc.weight"), shapes.get("inception3a.branch3.1.conv.weight")
    if classifier is None or kernel is None or len(classifier) != 2 or len(kernel) != 4:
        raise ModelFileError(f"{path}: holds {_what(shapes)}; give a GoogLeNet's weights")
    has_norm, has_bias = "conv1.bn.weight" in shapes, "conv1.conv.bias" in shapes
    name = {(True, False, 3): "torchvision", (False, True, 5): "tutorial"}.get((has_norm, has_bias, kernel[-1]))
    if name is None:
        raise ModelFileError(
            f"{path}: has {'batch norm' if has_norm else 'no batch norm'}, {'biases' if has_bias else 'no biases'} and "
            f"{kernel[-1]}x{kernel[-1]} kernels in the 5x5 branch: no known GoogLeNet has all three, and none of them "
            "can stand for another; say which model wrote it"
        )
    spec = variant(name, classifier[0], aux_heads="aux1.fc1.weight" in shapes)
    for canonical, expected in spec.tensors.items():
        found = shapes.get(torch_key(spec, canonical), expected)
        if found != expected:
            raise ModelFileError(
                f"{path}: {torch_key(spec, canonical)} has the shape {found}, {expected} was expected; "
                "give an unchanged GoogLeNet's weights"
            )
    return spec


def _what(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """What a state dict of another network looks like, where it can be told."""
    signs = {
        "Mixed_5b.branch1x1.conv.weight": "an Inception v3",
        "layer1.0.conv1.weight": "a ResNet",
        "features.0.weight": "a VGG or an AlexNet",
        "features.denseblock1.denselayer1.conv1.weight": "a DenseNet",
        "features.conv0.weight": "a DenseNet",
        "encoder.layers.encoder_layer_0.ln_1.weight": "a vision transformer",
        "features.0.0.weight": "a MobileNet or an EfficientNet",
    }
    for sign, name in signs.items():
        if sign in shapes:
            return f"{name}, no GoogLeNet"
    first = next(iter(shapes), "nothing")
    return f"no GoogLeNet: its first tensor is {first!r}"


def _array(tensor: Tensor) -> NDArray[np.float32]:
    result: NDArray[np.float32] = tensor.detach().float().numpy().copy()
    return result


def _torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch") from error
    return torch
