"""The layers that Keras has not, or has otherwise than PyTorch: right on each backend, savable in a ``.keras`` file.

All are channels-last: maps are (batch, height, width, channels).
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.network.keras_import import keras

ops = keras.ops

PACKAGE = "googlenet"
"""What the registered names of these classes begin with in a ``.keras`` file: ``googlenet>LocalResponseNorm``."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class LocalResponseNorm(keras.layers.Layer):  # type: ignore[misc]
    """x / (k + alpha / size · sum of squares over ``size`` neighbouring channels) ** beta, Caffe's definition.

    TensorFlow's ``tf.nn.lrn`` does not divide alpha by the size.
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def call(self, inputs: Any) -> Any:
        """(batch, height, width, channels) -> the same; sums in float32, for bfloat16 would lose what is added to k."""
        x = _widened(inputs)
        band = ops.cast(_band(x.shape[-1], self.size, self.alpha / self.size), x.dtype)
        respond = ops.custom_gradient(lambda x: _normalise(x, band, self.k, self.beta))
        return ops.cast(respond(x), inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """As the input's."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What ``__init__`` takes."""
        return dict(super().get_config(), size=self.size, alpha=self.alpha, beta=self.beta, k=self.k)


def _widened(x: Any) -> Any:
    """In float32 where it is narrower: sums over many values want it."""
    return ops.cast(x, keras.backend.result_type(x.dtype, "float32"))


def _band(channels: int, size: int, value: float) -> NDArray[np.float32]:
    """The matrix (read, written) by which a row of channels is multiplied to be summed over its neighbours.

    A matrix product is faster than shifted sums here, and so is its gradient.
    """
    offset = np.arange(channels)[:, None] - np.arange(channels)[None, :]
    near = (offset >= -(size // 2)) & (offset <= (size - 1) // 2)
    return (near * value).astype(np.float32)


def _normalise(x: Any, band: Any, k: float, beta: float) -> Any:
    """y = x · s^-beta with s = k + x² @ band, and its gradient: g s^-beta - 2 beta x · (g x s^(-beta - 1) @ bandᵀ)."""
    scale = k + ops.matmul(ops.square(x), band)
    power = _power(scale, beta)

    def gradient(*args: Any, upstream: Any = None) -> Any:
        direct = (args[0] if upstream is None else upstream) * power
        return direct - 2 * beta * x * ops.matmul(direct * x / scale, ops.transpose(band))

    return x * power, gradient


def _power(scale: Any, beta: float) -> Any:
    """scale ** -beta; two square roots are much cheaper than a power."""
    if beta == 0.75:
        root = ops.rsqrt(scale)
        return root * ops.sqrt(root)
    return ops.power(scale, -beta)


@keras.saving.register_keras_serializable(package=PACKAGE)
class AdaptiveAveragePooling(keras.layers.Layer):  # type: ignore[misc]
    """The mean of ``size`` x ``size`` windows that cover the map: window i spans floor(i·n/size) to ceil((i+1)·n/size).

    These are PyTorch's windows, of maps whose size may be unknown until they come.
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, inputs: Any) -> Any:
        """(batch, height, width, channels) -> (batch, size, size, channels), as rows @ map @ columns."""
        height, width = ops.shape(inputs)[1:3]
        rows, columns = self._averaging(height), self._averaging(width)
        return ops.einsum("ih,bhwc,jw->bijc", rows, inputs, columns)

    def _averaging(self, length: Any) -> Any:
        """The matrix (size, length) that averages each window of an axis."""
        pixels, window = ops.arange(length), ops.arange(self.size)[:, None]
        first = window * length // self.size
        end = ((window + 1) * length + self.size - 1) // self.size
        inside = ops.cast((pixels >= first) & (pixels < end), self.compute_dtype)
        return inside / ops.cast(end - first, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, size, size, channels)."""
        return input_shape[0], self.size, self.size, input_shape[3]

    def get_config(self) -> dict[str, Any]:
        """What ``__init__`` takes."""
        return dict(super().get_config(), size=self.size)


@keras.saving.register_keras_serializable(package=PACKAGE)
class BatchNorm(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Batch norm over the last axis whose running variance is the unbiased one, as PyTorch's: the sum over n - 1.

    Keras divides by n: 0.26 % less with 7x7 maps and a batch of 8. On TensorFlow it is the fused operator, which Keras
    does not use and which is faster. In a ``tf.distribute`` strategy the statistics are those of all replicas together.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """(batch, height, width, channels) -> the same; a layer that is not trained keeps its statistics."""
        if not (training and self.trainable):
            return super().call(inputs, training=False)
        gamma = self.gamma if self.scale else ops.ones_like(self.beta)
        outputs, mean, variance = _normaliser(inputs.dtype)(inputs, gamma, self.beta, self.epsilon)
        for running, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(self.momentum * running + (1 - self.momentum) * new)
        return outputs


def _normaliser(dtype: str) -> Any:
    if keras.backend.backend() != "tensorflow":
        return _batch_norm
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is not None and context.num_replicas_in_sync > 1:
        return _batch_norm_of_replicas
    return _batch_norm_of_tensorflow if dtype != "float64" else _batch_norm


def _batch_norm(x: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """The normalised batch, its mean and its unbiased variance."""
    wide = _widened(x)
    mean, variance = ops.moments(wide, axes=[0, 1, 2])
    outputs = ops.batch_normalization(wide, mean, variance, axis=-1, offset=beta, scale=gamma, epsilon=epsilon)
    count = ops.cast(prod(ops.shape(x)[:-1]), wide.dtype)
    return ops.cast(outputs, x.dtype), mean, variance * (count / (count - 1))


def _batch_norm_of_tensorflow(x: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    import tensorflow as tf

    nothing = tf.zeros([0])  # no running statistics go in
    found = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=gamma, offset=beta, mean=nothing, variance=nothing, epsilon=epsilon, is_training=True
    )
    return found.y, found.batch_mean, found.batch_variance


def _batch_norm_of_replicas(x: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    import tensorflow as tf

    context, wide = tf.distribute.get_replica_context(), _widened(x)
    count = tf.cast(tf.reduce_prod(tf.shape(x)[:-1]), wide.dtype)
    count, total = context.all_reduce("sum", [count, tf.reduce_sum(wide, [0, 1, 2])])
    mean = total / count
    squares = context.all_reduce("sum", tf.reduce_sum(tf.square(wide - mean), [0, 1, 2]))
    variance = squares / count
    outputs = tf.nn.batch_normalization(wide, mean, variance, beta, gamma, epsilon)
    return tf.cast(outputs, x.dtype), mean, squares / (count - 1)
