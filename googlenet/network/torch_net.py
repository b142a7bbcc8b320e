"""spec -> torch.nn.Module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from googlenet import layers
from googlenet.errors import ModelFileError
from googlenet.layers import border
from googlenet.network.logits import Logits
from googlenet.network.torch_lrn import local_response_norm
from googlenet.spec import INPUT, Initialisation, Spec

# PyTorch's words for the canonical names of a layer's tensors.
_TENSOR_NAMES = {
    "weight": "weight",
    "bias": "bias",
    "norm/gamma": "norm.weight",
    "norm/beta": "norm.bias",
    "norm/mean": "norm.running_mean",
    "norm/variance": "norm.running_var",
}


class GoogLeNet(nn.Module):
    """The network of a spec. Each layer is found by its Caffe name in ``layers``.

    Input: (batch, 3, height, width), prepared as the model's preprocessing says; channels-last memory is fastest.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.layers = nn.ModuleDict({layer.name: _build(layer, spec) for layer in spec.layers})
        self.reset_parameters()

    def forward(self, images: Tensor) -> Logits[Tensor]:
        """The logits of every head that the network has; the auxiliary ones only in training."""
        names = self.spec.outputs if self.training else {"main": self.spec.outputs["main"]}
        found = self.activations(images, names.values())
        return Logits(**{head: found[name] for head, name in names.items()})

    def activations(self, images: Tensor, names: Iterable[str] | None = None) -> dict[str, Tensor]:
        """What comes out of the layers ``names`` (None: all), by name; computes nothing that they do not need.

        Raises ``SpecError`` for a name that the network has not.
        """
        wanted = [layer.name for layer in self.spec.layers] if names is None else list(names)
        needed, last_use = self._plan(wanted)
        values = {INPUT: images}
        for position, layer in enumerate(needed):
            values[layer.name] = self.layers[layer.name](*(values[name] for name in layer.inputs))
            for name in layer.inputs:
                if last_use[name] == position and name not in wanted:
                    del values[name]
        return {name: values[name] for name in wanted}

    def _plan(self, wanted: list[str]) -> tuple[list[layers.Layer], dict[str, int]]:
        """The layers that lead to the wanted ones, in order, and the position of the last reader of each value."""
        ancestors = {self.spec.layer(name).name for name in wanted}
        for layer in reversed(self.spec.layers):
            if layer.name in ancestors:
                ancestors.update(layer.inputs)
        needed = [layer for layer in self.spec.layers if layer.name in ancestors]
        return needed, {name: position for position, layer in enumerate(needed) for name in layer.inputs}

    def reset_parameters(self) -> None:
        """Draw new weights by the spec's initialisation, from torch's generator."""
        classifiers = set(self.spec.outputs.values())
        for name, module in self.layers.items():
            if isinstance(module, (_Conv, _Linear)):
                _initialise(module, self.spec.init, classifier=name in classifiers)

    def canonical(self) -> dict[str, NDArray[np.float32]]:
        """The weights by their canonical names, as ``Spec.tensors`` lists them."""
        state = self.state_dict()
        return {
            name: state[torch_name(name)].detach().float().cpu().contiguous().numpy().copy()
            for name in self.spec.tensors
        }

    def load_canonical(self, tensors: Mapping[str, NDArray[np.float32]]) -> None:
        """Take all weights from canonical tensors; raises ``ModelFileError`` where one is missing or of another shape.

        Tensors that this network has no place for (those of auxiliary heads) are left alone.
        """
        state = self.state_dict()
        for name, shape in self.spec.tensors.items():
            if name not in tensors or tensors[name].shape != shape:
                found = tensors[name].shape if name in tensors else "nothing"
                raise ModelFileError(f"the weights have {found} for {name}, the network wants {shape}")
            state[torch_name(name)].copy_(torch.from_numpy(np.array(tensors[name])))


class _Conv(nn.Conv2d):
    """Convolution, batch norm where there is one, ReLU."""

    def __init__(self, layer: layers.Conv) -> None:
        super().__init__(layer.in_channels, layer.out_channels, layer.kernel, layer.stride, bias=layer.bias)
        self.layer = layer
        if layer.padding == "half":
            self.padding = (layer.kernel // 2, layer.kernel // 2)
        norm = layer.norm
        self.norm = None if norm is None else nn.BatchNorm2d(layer.out_channels, norm.eps, norm.momentum)
        if self.norm is not None and norm is not None and not norm.scale:
            self.norm.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        if self.layer.padding == "same":
            x = _pad(x, self.layer, 0.0)
        x = super().forward(x)
        if self.norm is not None:
            x = self.norm(x)
        return functional.relu_(x) if self.layer.relu else x


class _Linear(nn.Linear):
    def __init__(self, layer: layers.Linear) -> None:
        super().__init__(layer.in_features, layer.out_features)
        self.relu = layer.relu

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x.flatten(1))
        return functional.relu_(x) if self.relu else x


class _MaxPool(nn.Module):
    def __init__(self, layer: layers.MaxPool) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        if layer.padding == "same":
            return functional.max_pool2d(_pad(x, layer, -torch.inf), layer.kernel, layer.stride)
        padding = layer.kernel // 2 if layer.padding == "half" else 0
        return functional.max_pool2d(x, layer.kernel, layer.stride, padding, ceil_mode=layer.padding == "ceil")


class _LocalResponseNorm(nn.Module):
    def __init__(self, layer: layers.LocalResponseNorm) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return local_response_norm(x, self.layer)


class _Concat(nn.Module):
    def forward(self, *branches: Tensor) -> Tensor:
        return torch.cat(branches, 1)


class _Affine(nn.Module):
    def __init__(self, layer: layers.Affine) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(layer.scale).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("shift", torch.tensor(layer.shift).view(1, -1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.get_buffer("scale") + self.get_buffer("shift")


def _build(layer: layers.Layer, spec: Spec) -> nn.Module:
    match layer:
        case layers.Conv():
            return _Conv(layer)
        case layers.Linear():
            return _Linear(layer)
        case layers.MaxPool():
            return _MaxPool(layer)
        case layers.AvgPool():
            return nn.AvgPool2d(layer.kernel, layer.stride)
        case layers.AdaptiveAvgPool():
            return nn.AdaptiveAvgPool2d(layer.size)
        case layers.LocalResponseNorm():
            return _LocalResponseNorm(layer)
        case layers.Concat():
            return _Concat()
        case layers.Dropout():
            return nn.Dropout(layer.rate)
        case layers.Affine():
            return _Affine(layer)
    raise TypeError(f"variant {spec.variant} has a layer of unknown kind: {layer!r}")


def _pad(x: Tensor, layer: layers.Conv | layers.MaxPool, value: float) -> Tensor:
    sides = [border(size, layer.kernel, layer.stride, layer.padding) for size in (x.shape[3], x.shape[2])]
    return functional.pad(x, (*sides[0], *sides[1]), value=value)


def torch_name(canonical: str) -> str:
    """What a tensor of that canonical name is called in the network's ``state_dict``."""
    layer, kind = canonical.split("/norm/") if "/norm/" in canonical else canonical.rsplit("/", 1)
    kind = f"norm/{kind}" if "/norm/" in canonical else kind
    return f"layers.{layer}.{_TENSOR_NAMES[kind]}"


def _initialise(module: nn.Conv2d | nn.Linear, rule: Initialisation, *, classifier: bool) -> None:
    fan_in = module.weight[0].numel()
    if rule == "xavier_uniform":  # Caffe's: by the inputs alone
        limit = sqrt(3 / fan_in)
        nn.init.uniform_(module.weight, -limit, limit)
    elif rule == "truncated_normal":
        nn.init.trunc_normal_(module.weight, std=0.01, a=-2, b=2)
    elif classifier:
        nn.init.normal_(module.weight, std=0.01)
    else:
        nn.init.kaiming_normal_(module.weight, mode="fan_out" if isinstance(module, nn.Conv2d) else "fan_in")
    if module.bias is not None:
        nn.init.constant_(module.bias, 0.2 if rule == "xavier_uniform" and not classifier else 0.0)
