"""TensorFlow's answer, through Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.network.keras_import import keras
from googlenet.network.keras_net import activation_model, build, canonical, load_canonical, to_canonical, variables
from googlenet.twins.job import AUX_WEIGHT, Answer, Job

import tensorflow as tf  # isort: skip - keras_import says first what is missing, and keeps it quiet


def answer(job: Job, progress: Callable[[int, int], None]) -> dict[str, Answer]:
    """``tensorflow``: everything in float32."""
    spec = job.model.spec
    net = build(spec, input_size=job.images.shape[2], dtype="float32")
    load_canonical(net, spec, job.model.tensors)
    trained = {name: variable for name, variable in variables(net, spec).items() if name in spec.parameters}
    activations = _activations(job, net)
    step = _step_function(net, list(trained.values()))
    losses: list[float] = []
    first: list[Any] = []
    for number in range(job.steps):
        images, labels = job.batch(number)
        loss, gradients = step(images.transpose(0, 2, 3, 1), labels)
        first = first or gradients
        for variable, gradient in zip(trained.values(), gradients, strict=True):
            variable.assign_sub(job.rate * gradient)
        losses.append(float(loss))
        progress(number + 1, job.steps)
    gradients = {name: to_canonical(value.numpy()) for name, value in zip(trained, first, strict=True)}
    return {"tensorflow": Answer(activations, gradients, np.array(losses), canonical(net, spec))}


def versions() -> dict[str, str]:
    """What computed it."""
    return {"tensorflow": tf.__version__, "keras": keras.__version__}


def _activations(job: Job, net: keras.Model) -> dict[str, NDArray[np.float32]]:
    names = [layer.name for layer in job.model.spec.layers]
    found = activation_model(net, names)(job.probes.transpose(0, 2, 3, 1), training=False)
    values = {name: np.asarray(value) for name, value in found.items()}
    return {name: value.transpose(0, 3, 1, 2) if value.ndim == 4 else value for name, value in values.items()}


def _step_function(net: keras.Model, trained: list[Any]) -> Any:
    """(images, labels) -> the loss of all heads, and the gradient of each variable."""

    @tf.function  # type: ignore[untyped-decorator,unused-ignore]
    def step(images: Any, labels: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            logits = net(images, training=True)
            losses = {
                head: tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, value))
                for head, value in logits.items()
            }
            loss = tf.add_n([value * (1.0 if head == "main" else AUX_WEIGHT) for head, value in losses.items()])
        return loss, tape.gradient(loss, [variable.value for variable in trained])

    return step
