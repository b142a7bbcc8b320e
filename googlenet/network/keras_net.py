"""spec -> keras.Model, on TensorFlow or whatever backend Keras 3 runs on.

A layer of the model is called as in Caffe with ``.`` for ``/``, which Keras refuses: what comes out of
``inception_3a.3x3_reduce`` is what comes out of ``inception_3a/3x3_reduce``. Where a layer of the spec takes several of
Keras', the last has the name, and those before it the name and ``.pad``, ``.conv``, ``.norm`` or ``.flat``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from googlenet import layers
from googlenet.errors import GoogLeNetError, ModelFileError, SpecError
from googlenet.layers import border
from googlenet.network.initial import initial_weights
from googlenet.network.keras_import import keras
from googlenet.network.keras_layers import PACKAGE, AdaptiveAveragePooling, BatchNorm, LocalResponseNorm
from googlenet.spec import INPUT, Spec

IMAGE = "image"
"""The model's input: (batch, height, width, 3), prepared as the model's preprocessing says."""

_LAST = {"data_format": "channels_last"}


class _Config(BaseModel):
    """What a ``.keras`` file says of the network: all it takes to build it again. Strict, for the file may lie."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    spec: Spec
    input_size: int | None = Field(ge=1)
    policy: str
    frozen: tuple[str, ...]


@keras.saving.register_keras_serializable(package=PACKAGE)
class GoogLeNet(keras.Model):  # type: ignore[misc]
    """The network of a spec, a functional model; ``build`` says what goes in and what comes out.

    A ``.keras`` file of it holds the spec, the weights and which layers are not trained.
    """

    def __init__(self, spec: Spec, input_size: int | None, policy: Any) -> None:
        image = keras.Input((input_size, input_size, 3), name=IMAGE)
        writer = _Writer(spec, policy)
        values = {INPUT: image}
        for layer in spec.layers:
            values[layer.name] = writer.apply(layer, [values[name] for name in layer.inputs])
        super().__init__(image, {head: values[name] for head, name in spec.outputs.items()}, name="googlenet")
        self.spec, self.input_size, self.policy = spec, input_size, policy

    def get_config(self) -> dict[str, Any]:
        """JSON values, which ``from_config`` takes."""
        frozen = tuple(layer.name for layer in self.layers if not layer.trainable)
        config = _Config(spec=self.spec, input_size=self.input_size, policy=self.policy.name, frozen=frozen)
        return config.model_dump(mode="json")

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> GoogLeNet:
        """The network with new weights; raises ``ModelFileError`` when ``config`` is not what ``get_config`` gives."""
        found = read_config(config)
        model = build(found.spec, input_size=found.input_size, dtype=found.policy)
        for name in found.frozen:
            model.get_layer(name).trainable = False
        return model


def read_config(config: Any) -> _Config:
    """The config of a ``.keras`` file's model, checked; raises ``ModelFileError``."""
    try:
        return _Config.model_validate_json(json.dumps(config))
    except (ValidationError, GoogLeNetError) as error:
        reason = str(error).replace("\n", " ")
        raise ModelFileError(f"the config of the Keras model describes no GoogLeNet: {reason}") from error


def build(spec: Spec, *, input_size: int | None = 224, dtype: Any = None) -> GoogLeNet:
    """The network of ``spec`` as a functional ``keras.Model`` with new weights, by the spec's initialisation.

    The weights depend on ``keras.utils.set_random_seed``.

    Args:
        spec: The network, with auxiliary heads or without.
        input_size: Pixels, the side of the images; None for images of any size.
        dtype: A Keras dtype policy such as ``mixed_bfloat16``; None for the global one. The logits stay in the
            type of the weights.

    Returns:
        A model with the input ``image``, (batch, size, size, 3), and a dictionary of outputs: the logits, (batch,
        classes), of ``main`` and, with heads, ``aux1`` and ``aux2``.

    Raises:
        SpecError: The network cannot have images of that size.
    """
    if input_size is not None:
        spec.shapes(input_size)
    elif spec.aux_heads and not spec.aux.adaptive:
        raise SpecError(
            f"input_size is None, but the auxiliary heads of variant {spec.variant} need 224 px; "
            "give that size, drop the heads, or take the variant batch_norm"
        )
    net = GoogLeNet(spec, input_size, keras.dtype_policies.get(dtype or keras.config.dtype_policy()))
    # Drawn by NumPy: JAX would compile a generator for each shape, a minute of it.
    load_canonical(net, spec, initial_weights(spec, seed=np.random.randint(2**31)))
    return net


def keras_name(layer: str) -> str:
    """What the layer of that (Caffe) name is called in Keras."""
    return layer.replace("/", ".")


def activation_model(model: keras.Model, names: Iterable[str]) -> keras.Model:
    """The model that gives, on the same weights, what comes out of the layers ``names``: a dictionary by name.

    Maps are (batch, height, width, channels).
    """
    return keras.Model(
        model.input, {name: model.get_layer(keras_name(model.spec.layer(name).name)).output for name in names}
    )


def load_canonical(model: keras.Model, spec: Spec, tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """Take all weights from canonical tensors; raises ``ModelFileError`` where one is missing or of another shape.

    Tensors that this network has no place for (those of auxiliary heads) are left alone.
    """
    for name, shape in spec.tensors.items():
        if name not in tensors or tensors[name].shape != shape:
            found = tensors[name].shape if name in tensors else "nothing"
            raise ModelFileError(f"the weights have {found} for {name}, the network wants {shape}")
    for name, variable in variables(model, spec).items():
        value = tensors[name]
        variable.assign(value.transpose(_FROM_CANONICAL[value.ndim]))


def canonical(model: keras.Model, spec: Spec) -> dict[str, NDArray[np.float32]]:
    """The weights by their canonical names, as ``Spec.tensors`` lists them."""
    tensors = {}
    for name, variable in variables(model, spec).items():
        tensors[name] = to_canonical(keras.ops.convert_to_numpy(variable))
    return tensors


def to_canonical(value: NDArray[Any]) -> NDArray[np.float32]:
    """A weight, or its gradient, from Keras' layout to the canonical one."""
    return np.ascontiguousarray(value.transpose(_TO_CANONICAL[value.ndim]), np.float32)


def variables(model: keras.Model, spec: Spec) -> dict[str, Any]:
    """Canonical name -> Keras' variable, in the order of ``Spec.tensors``; their layout is Keras'."""
    found = {}
    for layer in spec.layers:
        for name in layer.parameters() | layer.statistics():
            kind = name.removeprefix(f"{layer.name}/")
            step, attribute = _VARIABLES[kind]
            has_steps = isinstance(layer, layers.Conv) and layer.norm is not None
            found[name] = getattr(model.get_layer(keras_name(layer.name) + (step if has_steps else "")), attribute)
    return {name: found[name] for name in spec.tensors}


# Kind of tensor -> where it is when a convolution has batch norm, and Keras' word for it.
_VARIABLES = {
    "weight": (".conv", "kernel"),
    "bias": (".conv", "bias"),
    "norm/gamma": (".norm", "gamma"),
    "norm/beta": (".norm", "beta"),
    "norm/mean": (".norm", "moving_mean"),
    "norm/variance": (".norm", "moving_variance"),
}

# By the number of axes: OIHW and HWIO, output first and output last.
_FROM_CANONICAL = {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}
_TO_CANONICAL = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}


class _Writer:
    """Makes Keras layers; each method applies one layer of the spec to what it reads."""

    def __init__(self, spec: Spec, policy: Any) -> None:
        self.spec, self.policy = spec, policy
        self.classifiers = set(spec.outputs.values())

    def apply(self, layer: layers.Layer, inputs: list[Any]) -> Any:
        options = {"name": keras_name(layer.name), "dtype": self.policy}
        match layer:
            case layers.Conv():
                return self.conv(layer, inputs[0], options)
            case layers.Linear():
                return self.linear(layer, inputs[0], options)
            case layers.MaxPool():
                x, padding = self.pad(layer, inputs[0], options)
                return keras.layers.MaxPooling2D(layer.kernel, layer.stride, padding, **_LAST, **options)(x)
            case layers.AvgPool():
                return keras.layers.AveragePooling2D(layer.kernel, layer.stride, **_LAST, **options)(inputs[0])
            case layers.AdaptiveAvgPool(size=1):
                return keras.layers.GlobalAveragePooling2D(keepdims=True, **_LAST, **options)(inputs[0])
            case layers.AdaptiveAvgPool():
                return AdaptiveAveragePooling(layer.size, **options)(inputs[0])
            case layers.LocalResponseNorm():
                return LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k, **options)(inputs[0])
            case layers.Concat():
                return keras.layers.Concatenate(**options)(inputs)
            case layers.Dropout():
                return keras.layers.Dropout(layer.rate, **options)(inputs[0])
            case layers.Affine():
                return keras.layers.Rescaling(list(layer.scale), list(layer.shift), **options)(inputs[0])
        raise TypeError(f"variant {self.spec.variant} has a layer of unknown kind: {layer!r}")

    def conv(self, layer: layers.Conv, x: Any, options: dict[str, Any]) -> Any:
        x, padding = self.pad(layer, x, options)
        norm, activation = layer.norm, "relu" if layer.relu else None
        conv = keras.layers.Conv2D(
            layer.out_channels,
            layer.kernel,
            layer.stride,
            padding,
            activation=None if norm else activation,
            use_bias=layer.bias,
            kernel_initializer="zeros",  # until ``build`` loads the weights
            **_LAST,
            **(_step(options, "conv") if norm else options),
        )
        x = conv(x)
        if norm is None:
            return x
        x = BatchNorm(momentum=1 - norm.momentum, epsilon=norm.eps, scale=norm.scale, **_step(options, "norm"))(x)
        return keras.layers.Activation(activation, **options)(x)

    def linear(self, layer: layers.Linear, x: Any, options: dict[str, Any]) -> Any:
        if x.shape[1:3] != (1, 1) and len(x.shape) == 4:  # the weights are for channels, rows, columns
            x = keras.layers.Permute((3, 1, 2), **_step(options, "chw"))(x)
        if len(x.shape) == 4:
            x = keras.layers.Flatten(**_step(options, "flat"))(x)
        if layer.name in self.classifiers:
            options = options | {"dtype": self.policy.variable_dtype}
        activation = "relu" if layer.relu else None
        return keras.layers.Dense(layer.out_features, activation=activation, kernel_initializer="zeros", **options)(x)

    def pad(self, layer: layers.Conv | layers.MaxPool, x: Any, options: dict[str, Any]) -> tuple[Any, str]:
        """What to slide over, and Keras' word for how. A pad of zeros does for a maximum too: it comes after a ReLU."""
        padding = layer.padding
        if padding in ("valid", "same"):
            return x, padding
        if all(self.equals_same(layer, size) for size in x.shape[1:3]):
            return x, "same"
        sides = (layer.kernel // 2,) * 2 if padding == "half" else (0, layer.stride - 1)
        return keras.layers.ZeroPadding2D((sides, sides), **_LAST, **_step(options, "pad"))(x), "valid"

    def equals_same(self, layer: layers.Conv | layers.MaxPool, size: int | None) -> bool:
        """Whether TensorFlow's rule gives this layer's padding at this size, and so saves a copy of the map."""
        if size is None:
            return layer.padding == "half" and layer.stride == 1 and layer.kernel % 2 == 1
        ours, theirs = (border(size, layer.kernel, layer.stride, rule) for rule in (layer.padding, "same"))
        return ours == theirs


def _step(options: dict[str, Any], name: str) -> dict[str, Any]:
    return options | {"name": f"{options['name']}.{name}"}
