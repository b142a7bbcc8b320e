"""Training speed in TensorFlow at 224 px beside a tutorial-style loop: python benchmarks/train_throughput_tensorflow.py

The peer: the same network from Keras' own layers, float32, a ``tf.function`` step, Adam, batch 32, as the tutorials
train it. Ours: the learner of ``googlenet train --framework tensorflow``, with all that it does in a step (clipping,
weight average, figures). All have both auxiliary heads. The tutorials leave the paper's local response norm out, and so
does the peer; ours is measured with it and without. Each side has a process of its own, and they take turns; what
counts is the median of the rounds' ratios. Random pixels: loading is not measured. About three minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from time import perf_counter

import numpy as np

from googlenet.data.batches import Batch
from googlenet.data.preprocess import Preprocessing
from googlenet.network.initial import initial_weights
from googlenet.recipes import scratch
from googlenet.training.learner import Step, find_learner
from googlenet.training.memory import keep_memory
from googlenet.variants import variant

BATCH, STEPS, ROUNDS, CLASSES = 32, 2, 4, 5

# (1x1, 3x3 reduction, 3x3, 5x5 reduction, 5x5, pool projection), the paper's Table 1
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def peer_model(*, batch_norm: bool):  # type: ignore[no-untyped-def]  # Keras is imported inside
    """The tutorials' network, from Keras' own layers."""
    from keras import Input, Model, layers

    def conv(x, width, kernel, stride=1):  # type: ignore[no-untyped-def]
        x = layers.Conv2D(width, kernel, stride, "same", use_bias=not batch_norm)(x)
        return layers.ReLU()(layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x) if batch_norm else x)

    def pool(x):  # type: ignore[no-untyped-def]
        return layers.MaxPooling2D(3, 2, "same")(x)

    def head(x):  # type: ignore[no-untyped-def]
        x = layers.Flatten()(conv(layers.AveragePooling2D(5, 3)(x), 128, 1))
        x = layers.Dense(1024, "relu")(layers.Dropout(0.5)(x))
        return layers.Dense(CLASSES)(layers.Dropout(0.5)(x))

    image = Input((224, 224, 3))
    x = pool(conv(conv(pool(conv(image, 64, 7, 2)), 64, 1), 192, 3))
    heads = []
    for name, (one, reduce3, three, reduce5, five, projection) in MODULES.items():
        branches = [conv(x, one, 1), conv(conv(x, reduce3, 1), three, 3), conv(conv(x, reduce5, 1), five, 5)]
        branches.append(conv(layers.MaxPooling2D(3, 1, "same")(x), projection, 1))
        x = layers.Concatenate()(branches)
        if name in ("4a", "4d"):
            heads.append(head(x))
        if name in ("3b", "4e"):
            x = pool(x)
    x = layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(x))
    return Model(image, [*heads, layers.Dense(CLASSES)(x)])


def peer(*, batch_norm: bool) -> Callable[[Batch], None]:
    """A step as the tutorials write it."""
    import keras
    import tensorflow as tf

    model = peer_model(batch_norm=batch_norm)
    loss_object = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimiser = keras.optimizers.Adam(3e-4)

    @tf.function
    def step(images, labels):  # type: ignore[no-untyped-def]
        with tf.GradientTape() as tape:
            aux1, aux2, main = model(images, training=True)
            loss = loss_object(labels, main) + 0.3 * loss_object(labels, aux1) + 0.3 * loss_object(labels, aux2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimiser.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    def take(batch: Batch) -> None:
        float(step(batch.images.astype(np.float32) / 127.5 - 1, batch.labels))

    return take


def ours(name: str, *, lrn: bool) -> tuple[Callable[[Batch], None], str]:
    """A step of the learner, and its arithmetic."""
    keep_memory()  # as ``googlenet train`` does
    spec = variant(name, CLASSES)
    spec = spec if lrn else replace(spec, lrn=None)
    settings = scratch(framework="tensorflow", optimiser="sgd", image_size=224, first_size=None, test_size=None)
    learner = find_learner("tensorflow")(spec, Preprocessing(), settings, None)
    learner.load(initial_weights(spec, seed=0))

    def take(batch: Batch) -> None:
        learner.step(batch, Step(rate=1e-4, average_share=0.1, seed=0))

    return take, learner.precision.name


def serve(pipe: Connection, side: str, name: str) -> None:
    """A process of one side: gives its arithmetic, then, each time it is asked, its images per second."""
    find_learner("tensorflow")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (BATCH, 224, 224, 3), np.uint8)
    batch = Batch(pixels, rng.integers(0, CLASSES, BATCH), np.arange(BATCH))
    norm = name == "batch norm"
    if side == "peer":
        take, precision = peer(batch_norm=norm), "fp32"
    else:
        take, precision = ours("batch_norm" if norm else "paper", lrn=name == "paper")
    take(batch)
    take(batch)
    pipe.send(precision)
    while pipe.recv():
        start = perf_counter()
        for _ in range(STEPS):
            take(batch)
        pipe.send(STEPS * BATCH / (perf_counter() - start))


def compare(name: str) -> None:
    """Both sides in turns; prints."""
    processes, pipes, precisions = [], {}, {}
    for side in ("peer", "ours"):
        pipes[side], theirs = get_context("spawn").Pipe()
        processes.append(get_context("spawn").Process(target=serve, args=(theirs, side, name)))
        processes[-1].start()
        theirs.close()  # so that a process that dies is noticed
        precisions[side] = pipes[side].recv()
    speeds: dict[str, list[float]] = {"peer": [], "ours": []}
    for _ in range(ROUNDS):
        for side, pipe in pipes.items():
            pipe.send(True)
            speeds[side].append(pipe.recv())
    for pipe, process in zip(pipes.values(), processes, strict=True):
        pipe.send(False)
        process.join()
    ratios = [fast / slow for fast, slow in zip(speeds["ours"], speeds["peer"], strict=True)]
    print(
        f"{name}: tutorial {median(speeds['peer']):.1f} images/s, ours ({precisions['ours']}) "
        f"{median(speeds['ours']):.1f} images/s: {median(ratios):.2f} x ({min(ratios):.2f}-{max(ratios):.2f})",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    for name in ("paper without LRN", "batch norm", "paper"):
        compare(name)


if __name__ == "__main__":
    main()
