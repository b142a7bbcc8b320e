"""The learner on JAX, on one device: a Keras model called as a pure function, compiled with gradient and update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp
from numpy.typing import NDArray

from googlenet.data.batches import Batch
from googlenet.data.preprocess import Preprocessing
from googlenet.settings import TrainSettings
from googlenet.spec import FEATURES, OUTPUTS, Spec
from googlenet.training.jax_optimiser import clip, start, update
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
from googlenet.training.processor import usable_cores
from googlenet.training.vitals import Vitals
from googlenet.weights.model_file import Tensors

Arrays = list[Any]


class JaxLearner:
    """As the protocol ``Learner`` says."""

    packages = ("jax", "keras")
    rank, world = 0, 1

    def __init__(
        self,
        spec: Spec,
        preprocessing: Preprocessing,
        settings: TrainSettings,
        class_weights: NDArray[np.float32] | None,
    ) -> None:
        self.settings, self._class_weights = settings, class_weights
        device = jax.devices()[0]
        self.device = "cpu" if device.platform == "cpu" else f"{device.platform.upper()} {device.device_kind}"
        self.threads = usable_cores()
        self.precision = choose_precision(settings.precision, spec, probe_gradients, lacking=_lack_of_bf16(device))
        self.network = TrainedNetwork(spec, settings.only_size, self.precision.name, settings.frozen)
        self._trained = list(self.network.net.trainable_variables)
        self._others = list(self.network.net.non_trainable_variables)
        self._averages = list(self.network.averages.values())
        self._slots, self._steps = start(settings, _values(self._trained)), 0
        self._normalise = Normaliser(preprocessing)
        self._compiled = jax.jit(self._pure_step)

    def load(self, tensors: Tensors) -> None:
        self.network.load(tensors)
        self._slots, self._steps = start(self.settings, _values(self._trained)), 0

    def state(self) -> dict[str, NDArray[Any]]:
        slots = {
            f"slot{i}/{k}": np.asarray(value) for i, slot in enumerate(self._slots) for k, value in enumerate(slot)
        }
        return self.network.state() | slots | {"steps": np.array(self._steps)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.network.restore(state)
        self._slots = [
            [jnp.asarray(state[f"slot{i}/{k}"]) for k, _ in enumerate(slot)] for i, slot in enumerate(self._slots)
        ]
        self._steps = int(state["steps"])

    def step(self, batch: Batch, step: Step) -> dict[str, float]:
        self._steps += 1
        state = [_values(part) for part in (self._trained, self._others, self._averages)]
        numbers = (step.rate, step.average_share, float(self._steps))
        labels = batch.labels.astype(np.int32)
        state, self._slots, figures = self._compiled(state, self._slots, batch.images, labels, step.seed, *numbers)
        for variables, values in zip((self._trained, self._others, self._averages), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return {name: float(value) for name, value in figures.items()}

    def _pure_step(
        self,
        state: list[Arrays],
        slots: list[Arrays],
        pixels: Any,
        labels: Any,
        seed: Any,
        rate: Any,
        share: Any,
        steps: Any,
    ) -> tuple[list[Arrays], list[Arrays], dict[str, Any]]:
        trained, others, averages = state
        images = self._normalise(pixels)
        others = self._seeded(others, seed)
        losses_and_gradients = jax.value_and_grad(self._loss, has_aux=True)
        (_, (figures, others)), gradients = losses_and_gradients(trained, others, images, labels)
        gradients, norm = clip(self.settings, gradients)
        trained, slots = self._updated(trained, gradients, slots, rate, steps)
        variables = (*self._trained, *self._others)
        now = {id(variable): value for variable, value in zip(variables, (*trained, *others), strict=True)}
        weights = [now[id(variable)] for variable in self.network.weights.values()]
        averages = [mean + share * (weight - mean) for mean, weight in zip(averages, weights, strict=True)]
        return [trained, others, averages], slots, figures | {"gradient_norm": norm}

    def _seeded(self, others: Arrays, seed: Any) -> Arrays:
        numbers = {id(state): number for number, state in enumerate(self.network.seeds)}
        return [
            jnp.stack([seed + numbers[id(variable)], 0]).astype(value.dtype) if id(variable) in numbers else value
            for variable, value in zip(self._others, others, strict=True)
        ]

    def _loss(self, trained: Arrays, others: Arrays, images: Any, labels: Any) -> tuple[Any, tuple[Any, Arrays]]:
        outputs, others = self.network.net.stateless_call(trained, others, images, training=True)
        total = jnp.sum(image_weights(labels, self._class_weights))
        losses = cross_entropies(outputs, labels, total, self.settings, self._class_weights)
        figures = {f"loss_{head}": loss for head, loss in losses.items()}
        figures["top1"] = count_right(outputs["main"], labels) / len(labels)
        return objective(losses, self.settings), (figures, others)

    def _updated(
        self, trained: Arrays, gradients: Arrays, slots: list[Arrays], rate: Any, steps: Any
    ) -> tuple[Arrays, list[Arrays]]:
        names = {id(variable): name for name, variable in self.network.weights.items()}
        decayed = [names[id(variable)] in self.network.decayed for variable in self._trained]
        rows = zip(trained, gradients, zip(*slots, strict=True), decayed, strict=True)
        found = [
            update(self.settings, weight, gradient, list(slot), rate, steps, decayed=decay)
            for weight, gradient, slot, decay in rows
        ]
        return [weight for weight, _ in found], [list(slot) for slot in zip(*(slot for _, slot in found), strict=True)]

    def averaged(self) -> dict[str, NDArray[np.float32]]:
        return self.network.averaged()

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        found = self.network.main.predict_on_batch(channels_last(images))[OUTPUTS["main"]]
        return np.asarray(found, np.float32)

    def features(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        found = self.network.features.predict_on_batch(channels_last(images))[FEATURES]
        return np.asarray(found, np.float32).reshape(len(images), -1)

    def vitals(self, images: NDArray[np.float32]) -> Vitals:
        return self.network.vitals(channels_last(images))


def probe_gradients(probe: Probe, arithmetic: Arithmetic) -> NDArray[np.float32]:
    """Every gradient of the probe's loss, as one vector."""
    network = TrainedNetwork(probe.spec, probe.images.shape[2], arithmetic)
    network.load(probe.tensors)
    net, images = network.net, channels_last(probe.images)
    others = _values(net.non_trainable_variables)

    def loss(trained: Arrays) -> Any:
        logits = net.stateless_call(trained, others, images, training=False)[0]["main"]
        logs = jax.nn.log_softmax(logits.astype(jnp.float32))
        return -jnp.mean(jnp.take_along_axis(logs, probe.labels[:, None], axis=1))

    gradients = jax.jit(jax.grad(loss))(_values(net.trainable_variables))
    return np.concatenate([np.asarray(gradient, np.float32).ravel() for gradient in gradients])


def _values(variables: Any) -> Arrays:
    return [variable.value for variable in variables]


def _lack_of_bf16(device: Any) -> str | None:
    """Why bf16 would not help here, in words; None where it would."""
    if device.platform == "cpu":
        return "JAX is no faster with bf16 on a cpu"
    if device.platform == "gpu" and float(getattr(device, "compute_capability", 0)) < 8:
        return "this GPU has no bf16 arithmetic"
    return None
