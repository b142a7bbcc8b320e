"""SGD with momentum or AdamW in JAX, as pure functions of lists of arrays, with PyTorch's arithmetic."""

from __future__ import annotations

from typing import Any

from jax import numpy as jnp

from googlenet.settings import TrainSettings

_ADAM_EPSILON = 1e-8

Arrays = list[Any]


def start(settings: TrainSettings, weights: Arrays) -> list[Arrays]:
    """What the optimiser remembers of each weight, before the first step."""
    return [[jnp.zeros_like(weight) for weight in weights] for _ in range(2 if settings.optimiser == "adamw" else 1)]


def clip(settings: TrainSettings, gradients: Arrays) -> tuple[Arrays, Any]:
    """The gradients shrunk to the largest norm allowed, and their norm before."""
    norm = jnp.sqrt(sum(jnp.vdot(gradient, gradient) for gradient in gradients))
    shrink = jnp.minimum(1.0, settings.clip_norm / (norm + 1e-6))
    return [gradient * shrink for gradient in gradients], norm


def update(
    settings: TrainSettings, weight: Any, gradient: Any, slots: Arrays, rate: Any, steps: Any, *, decayed: bool
) -> tuple[Any, Arrays]:
    """One weight and what is remembered of it after step number ``steps`` (from 1)."""
    decay = settings.weight_decay if decayed else 0.0
    if settings.optimiser == "sgd":
        gradient = gradient + decay * weight
        momentum = settings.momentum * slots[0] + gradient
        direction = gradient + settings.momentum * momentum if settings.nesterov else momentum
        return weight - rate * direction, [momentum]
    beta1, beta2 = settings.momentum, settings.adam_beta2
    mean = beta1 * slots[0] + (1 - beta1) * gradient
    square = beta2 * slots[1] + (1 - beta2) * gradient**2
    direction = mean / (1 - beta1**steps) / (jnp.sqrt(square / (1 - beta2**steps)) + _ADAM_EPSILON)
    return weight * (1 - rate * decay) - rate * direction, [mean, square]
