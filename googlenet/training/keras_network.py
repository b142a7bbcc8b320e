"""What TensorFlow and JAX have in common: two Keras models, one in training and one for the average; the losses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet import layers
from googlenet.data.preprocess import Preprocessing
from googlenet.network.keras_import import keras
from googlenet.network.keras_net import activation_model, build, canonical, load_canonical, variables
from googlenet.settings import TrainSettings
from googlenet.spec import FEATURES, OUTPUTS, Spec
from googlenet.training.precision import Arithmetic
from googlenet.training.vitals import Vitals
from googlenet.weights.model_file import Tensors

ops = keras.ops

_POLICIES: dict[Arithmetic, str] = {"bf16": "mixed_bfloat16", "fp32": "float32"}


class TrainedNetwork:
    """A network in training, and a second one whose weights are the moving average of the first's.

    ``weights`` and ``averages`` are Keras variables by canonical name, ``trained`` the names of those that an
    optimiser changes, ``decayed`` of those that weight decay is for, ``seeds`` the states of the dropouts.
    """

    def __init__(self, spec: Spec, size: int | None, arithmetic: Arithmetic, frozen: tuple[str, ...] = ()) -> None:
        self.spec = spec
        self.net, self.average = (build(spec, input_size=size, dtype=_POLICIES[arithmetic]) for _ in range(2))
        for layer in self.net.layers:
            layer.trainable = layer.name.split(".")[0] not in frozen
        self.weights, self.averages = variables(self.net, spec), variables(self.average, spec)
        self.trained = [name for name in spec.parameters if self.weights[name].trainable]
        self.decayed = {name for name in self.trained if len(spec.parameters[name]) > 1}
        self.seeds = [layer.seed_generator.state for layer in self.net.layers if hasattr(layer, "seed_generator")]
        self.features = activation_model(self.net, [FEATURES])
        self.main = activation_model(self.average, [OUTPUTS["main"]])

    def load(self, tensors: Tensors) -> None:
        """Both networks take canonical weights."""
        load_canonical(self.net, self.spec, tensors)
        load_canonical(self.average, self.spec, tensors)

    def state(self) -> dict[str, NDArray[np.float32]]:
        """The canonical weights of both networks."""
        parts = {"net": self.net, "average": self.average}
        return {f"{part}/{name}": value for part in parts for name, value in canonical(parts[part], self.spec).items()}

    def restore(self, state: Tensors) -> None:
        """Take what ``state`` gave."""
        for part, net in (("net", self.net), ("average", self.average)):
            load_canonical(net, self.spec, {name: state[f"{part}/{name}"] for name in self.spec.tensors})

    def averaged(self) -> dict[str, NDArray[np.float32]]:
        """The canonical weights of the average."""
        return canonical(self.average, self.spec)

    def vitals(self, images: NDArray[np.float32]) -> Vitals:
        """The silent channels; gradients stay inside the compiled step, and one that is not finite spoils the weights.

        ``images``: (N, height, width, 3), prepared.
        """
        names = [x.name for x in self.spec.layers if isinstance(x, layers.Conv | layers.Linear) and x.relu]
        outputs = activation_model(self.net, names)(images, training=False)
        return Vitals({name: float(np.mean(_peaks(outputs[name]) <= 0)) for name in names})


def _peaks(output: Any) -> NDArray[np.float32]:
    """The largest value in each channel, the last axis: (channels,)."""
    values = np.asarray(ops.cast(output, "float32"))
    found: NDArray[np.float32] = values.reshape(-1, values.shape[-1]).max(axis=0)
    return found


class Normaliser:
    """uint8 pixels (N, H, W, 3), RGB -> the network's input, float32 of the same shape."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self.step = 1 if preprocessing.channel_order == "RGB" else -1
        self.mean = np.array(preprocessing.mean, np.float32)
        self.scale = np.array(preprocessing.scale, np.float32)

    def __call__(self, pixels: Any) -> Any:
        return (ops.cast(pixels[..., :: self.step], "float32") - self.mean) * self.scale


def image_weights(labels: Any, class_weights: NDArray[np.float32] | None) -> Any:
    """What each image counts in the losses: (N,)."""
    if class_weights is None:
        return ops.ones_like(labels, dtype="float32")
    return ops.take(ops.convert_to_tensor(class_weights), labels)


def cross_entropies(
    outputs: dict[str, Any], labels: Any, total: Any, settings: TrainSettings, class_weights: NDArray[np.float32] | None
) -> dict[str, Any]:
    """Each head's loss: the sum over the images by ``image_weights``, divided by ``total``, the sum of these weights.

    PyTorch's ``cross_entropy`` with class weights and label smoothing.
    """
    weights = image_weights(labels, class_weights)
    return {
        head: ops.sum(_cross_entropy(logits, labels, weights, settings.label_smoothing, class_weights)) / total
        for head, logits in outputs.items()
    }


def _cross_entropy(
    logits: Any, labels: Any, weights: Any, smoothing: float, class_weights: NDArray[np.float32] | None
) -> Any:
    logs = ops.log_softmax(ops.cast(logits, "float32"))  # (N, classes)
    right = -ops.take_along_axis(logs, labels[:, None], axis=1)[:, 0] * weights
    spread = -ops.mean(logs if class_weights is None else logs * class_weights, axis=1)
    return (1 - smoothing) * right + smoothing * spread


def objective(losses: dict[str, Any], settings: TrainSettings) -> Any:
    """What the gradient is of: the main loss, and the others by their weight (paper, section 5)."""
    return losses["main"] + settings.aux_weight * sum(loss for head, loss in losses.items() if head != "main")


def count_right(logits: Any, labels: Any) -> Any:
    """How many answers are right."""
    return ops.sum(ops.cast(ops.argmax(logits, axis=-1) == labels, "float32"))


def channels_last(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 3, height, width) -> (N, height, width, 3)."""
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))
