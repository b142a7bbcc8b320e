"""SGD with momentum or AdamW on TensorFlow by its fused operators, with PyTorch's arithmetic.

Keras' own optimisers scale the momentum by the rate of the step in which it arose; PyTorch's, and these, do not.
All runs in a replica context, where ``handle`` is this replica's copy of a variable: each replica changes its own, and
all do the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from googlenet.settings import TrainSettings
from googlenet.training.keras_network import TrainedNetwork

_ADAM_EPSILON = 1e-8


class Optimiser:
    """Changes the trained weights of a network and its average; make it in the scope of the strategy."""

    def __init__(self, network: TrainedNetwork, settings: TrainSettings) -> None:
        self.settings, self.network = settings, network
        slots = 2 if settings.optimiser == "adamw" else 1
        self.slots = {
            name: [tf.Variable(tf.zeros(network.weights[name].shape), trainable=False) for _ in range(slots)]
            for name in network.trained
        }
        self.steps = tf.Variable(0.0, trainable=False)

    def _variables(self) -> dict[str, Any]:
        slots = {f"slot{i}/{name}": slot for name, slots in self.slots.items() for i, slot in enumerate(slots)}
        return {f"optimiser/{name}": variable for name, variable in ({"steps": self.steps} | slots).items()}

    def reset(self) -> None:
        """Forget all steps."""
        for variable in self._variables().values():
            variable.assign(tf.zeros_like(variable))

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is remembered of the steps."""
        return {name: variable.numpy() for name, variable in self._variables().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Remember what ``state`` gave."""
        for name, variable in self._variables().items():
            variable.assign(state[name])

    def apply(self, gradients: dict[str, Any], rate: Any) -> Any:
        """Take one step along the whole batch's gradients; returns their norm before clipping."""
        norm = tf.linalg.global_norm(list(gradients.values()))
        shrink = tf.minimum(1.0, self.settings.clip_norm / (norm + 1e-6))
        self.steps.assign_add(1.0)
        for name, gradient in gradients.items():
            weight, slots = self.network.weights[name].value, self.slots[name]
            decay = self.settings.weight_decay if name in self.network.decayed else 0.0
            if self.settings.optimiser == "adamw":
                self._adamw(weight, slots, gradient * shrink, rate, decay)
            else:
                self._sgd(weight, slots[0], gradient * shrink, rate, decay)
        return norm

    def _sgd(self, weight: Any, momentum: Any, gradient: Any, rate: Any, decay: float) -> None:
        tf.raw_ops.ResourceApplyMomentum(
            var=weight.handle,
            accum=momentum.handle,
            lr=rate,
            grad=gradient + decay * weight if decay else gradient,
            momentum=self.settings.momentum,
            use_nesterov=self.settings.nesterov,
        )

    def _adamw(self, weight: Any, slots: list[Any], gradient: Any, rate: Any, decay: float) -> None:
        if decay:
            weight.assign(weight * (1 - rate * decay))
        beta1, beta2 = self.settings.momentum, self.settings.adam_beta2
        power1, power2 = tf.pow(beta1, self.steps), tf.pow(beta2, self.steps)
        tf.raw_ops.ResourceApplyAdam(
            var=weight.handle,
            m=slots[0].handle,
            v=slots[1].handle,
            beta1_power=power1,
            beta2_power=power2,
            lr=rate,
            beta1=beta1,
            beta2=beta2,
            # TensorFlow adds it to the root of the uncorrected mean square, PyTorch to that of the corrected one.
            epsilon=_ADAM_EPSILON * tf.sqrt(1 - power2),
            grad=gradient,
        )

    def follow(self, share: Any) -> None:
        """The average takes ``share`` (0–1) of the weights and batch-norm statistics as they are now."""
        for name, average in self.network.averages.items():
            mean, now = average.value, self.network.weights[name].value
            tf.raw_ops.ResourceApplyGradientDescent(var=mean.handle, alpha=share, delta=mean - now)
