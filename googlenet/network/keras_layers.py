"""The layers that Keras has not, or has otherwise than PyTorch: right on each backend, savable in a ``.keras`` file.

All are channels-last: maps are (batch, height, width, channels).
"""

from __future__ import annotations

from math import prod
from typing import Any

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
        x = ops.cast(inputs, "float32")
        channels, before = x.shape[-1], self.size // 2
        squares = ops.pad(ops.square(x), [[0, 0], [0, 0], [0, 0], [before, self.size - 1 - before]])
        total = squares[..., :channels]
        for shift in range(1, self.size):
            total = total + squares[..., shift : shift + channels]
        scale = self.k + (self.alpha / self.size) * total
        return ops.cast(x * _power(scale, self.beta), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """As the input's."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What ``__init__`` takes."""
        return dict(super().get_config(), size=self.size, alpha=self.alpha, beta=self.beta, k=self.k)


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
    """Keras' own, but for the running variance, which is the unbiased one, as PyTorch's: the sum over n - 1, not n.

    With 7x7 maps and a batch of 8 the two differ by 0.26 %.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """(batch, height, width, channels) -> the same."""
        before = ops.convert_to_tensor(self.moving_variance)
        outputs = super().call(inputs, training=training, mask=mask)
        if training and self.trainable:
            kept = self.momentum * before
            count = ops.cast(prod(ops.shape(inputs)[:-1]), "float32")
            self.moving_variance.assign(kept + (self.moving_variance - kept) * (count / (count - 1)))
        return outputs
