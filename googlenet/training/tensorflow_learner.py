"""The learner on TensorFlow: a Keras model, a ``tf.function`` step, and ``tf.distribute`` where there are several
devices or processes.

A batch is shared out among the replicas; sums go over all of them, so that the losses, the gradients and the statistics
of batch norm are those of the whole batch. ``jit_compile`` halves the speed on a processor, and is not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from googlenet.data.batches import Batch
from googlenet.data.preprocess import Preprocessing
from googlenet.settings import TrainSettings
from googlenet.spec import FEATURES, OUTPUTS, Spec
from googlenet.training.keras_network import (
    Normaliser,
    TrainedNetwork,
    channels_last,
    count_right,
    cross_entropies,
    image_weights,
    objective,
)
from googlenet.training.learner import Step
from googlenet.training.precision import Arithmetic, Probe, choose_precision
from googlenet.training.tensorflow_devices import (
    choose_strategy,
    devices_in_words,
    lack_of_bf16,
    place_among_workers,
    thread_count,
)
from googlenet.training.tensorflow_optimiser import Optimiser
from googlenet.training.vitals import Vitals
from googlenet.weights.model_file import Tensors


class TensorFlowLearner:
    """As the protocol ``Learner`` says."""

    packages = ("tensorflow", "keras")

    def __init__(
        self,
        spec: Spec,
        preprocessing: Preprocessing,
        settings: TrainSettings,
        class_weights: NDArray[np.float32] | None,
    ) -> None:
        self.settings, self._class_weights = settings, class_weights
        self._strategy = choose_strategy()
        self.device, self.threads = devices_in_words(self._strategy), thread_count()
        self.rank, self.world = place_among_workers(self._strategy)
        self.precision = choose_precision(settings.precision, spec, probe_gradients, lacking=lack_of_bf16())
        with self._strategy.scope():
            self.network = TrainedNetwork(spec, settings.only_size, self.precision.name, settings.frozen)
            self.optimiser = Optimiser(self.network, settings)
        self._normalise = Normaliser(preprocessing)
        self._on_replicas = tf.function(self._run_on_replicas, autograph=False)
        self._features = tf.function(lambda images: self.network.features(images, training=False)[FEATURES])
        self._logits = tf.function(lambda images: self.network.main(images, training=False)[OUTPUTS["main"]])

    def load(self, tensors: Tensors) -> None:
        self.network.load(tensors)
        self.optimiser.reset()

    def state(self) -> dict[str, NDArray[Any]]:
        return self.network.state() | self.optimiser.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.network.restore(state)
        self.optimiser.restore(state)

    def step(self, batch: Batch, step: Step) -> dict[str, float]:
        labels = batch.labels.astype(np.int32)
        numbers = (np.float32(step.rate), np.float32(step.average_share), np.int64(step.seed))
        figures = self._on_replicas(self._shares(batch.images), self._shares(labels), *map(tf.constant, numbers))
        return {name: float(value) for name, value in figures.items()}

    def _shares(self, values: NDArray[Any]) -> Any:
        """The values cut up for the replicas of this process."""
        count = self._strategy.num_replicas_in_sync // self.world
        if count == 1:
            return tf.constant(values)
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(values[context.replica_id_in_sync_group % count :: count])
        )

    def _run_on_replicas(self, *arguments: Any) -> dict[str, Any]:
        figures = self._strategy.run(self._replica_step, arguments)
        return {name: self._strategy.experimental_local_results(value)[0] for name, value in figures.items()}

    def _replica_step(self, pixels: Any, labels: Any, rate: Any, average_share: Any, seed: Any) -> dict[str, Any]:
        network, context = self.network, tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group, seed.dtype)  # which draws masks of its own
        for number, state in enumerate(network.seeds):
            state.assign(tf.cast(tf.stack([seed + number, replica]), state.dtype))
        weight = tf.reduce_sum(image_weights(labels, self._class_weights))
        weight, count = context.all_reduce("sum", [weight, tf.cast(tf.shape(labels)[0], tf.float32)])
        with tf.GradientTape() as tape:
            outputs = network.net(self._normalise(pixels), training=True)
            losses = cross_entropies(outputs, labels, weight, self.settings, self._class_weights)
            loss = objective(losses, self.settings)
        weights = {name: network.weights[name].value for name in network.trained}
        gradients = dict(
            zip(weights, context.all_reduce("sum", tape.gradient(loss, list(weights.values()))), strict=True)
        )
        norm = self.optimiser.apply(gradients, rate)
        self.optimiser.follow(average_share)
        figures = {f"loss_{head}": value for head, value in losses.items()}
        figures["top1"] = count_right(outputs["main"], labels) / count
        return dict(context.all_reduce("sum", figures), gradient_norm=norm)

    def averaged(self) -> dict[str, NDArray[np.float32]]:
        return self.network.averaged()

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        return _float32(self._logits(channels_last(images)))

    def features(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        found = _float32(self._features(channels_last(images)))
        return found.reshape(len(found), -1)

    def vitals(self, images: NDArray[np.float32]) -> Vitals:
        return self.network.vitals(channels_last(images))


def probe_gradients(probe: Probe, arithmetic: Arithmetic) -> NDArray[np.float32]:
    """Every gradient of the probe's loss, as one vector."""
    network = TrainedNetwork(probe.spec, probe.images.shape[2], arithmetic)
    network.load(probe.tensors)
    weights = [network.weights[name].value for name in network.trained]
    with tf.GradientTape() as tape:
        logits = network.net(channels_last(probe.images), training=False)["main"]
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(probe.labels, tf.cast(logits, tf.float32))
        loss = tf.reduce_mean(losses)
    return np.concatenate([_float32(gradient).ravel() for gradient in tape.gradient(loss, weights)])


def _float32(value: Any) -> NDArray[np.float32]:
    found: NDArray[np.float32] = tf.cast(value, tf.float32).numpy()
    return found
