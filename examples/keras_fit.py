"""Train GoogLeNet by Keras' own ``compile`` and ``fit``, on a ``tf.data`` pipeline of your own.

    python examples/keras_fit.py photos/ fitted.keras --epochs 3
    googlenet convert fitted.keras fitted.safetensors --labels fitted.labels.txt
    googlenet predict fitted.safetensors new-photos/

``photos/`` has a folder per class. ``--weights`` starts from a sealed model of as many classes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import tensorflow as tf

import googlenet


def main() -> None:
    """Read the pictures, train, save."""
    parser = argparse.ArgumentParser(description="Train GoogLeNet by Keras' compile and fit.")
    parser.add_argument("photos", help="a folder with a sub-folder per class")
    parser.add_argument("out", type=Path, help="the .keras file to write")
    parser.add_argument("--weights", help="a sealed model or a checkpoint to start from")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=224, help="pixels")
    settings = parser.parse_args()

    pictures = keras.utils.image_dataset_from_directory(
        settings.photos,
        image_size=(settings.image_size, settings.image_size),
        batch_size=settings.batch_size,
        crop_to_aspect_ratio=True,
        seed=0,
    )
    net = googlenet.keras(
        "batch_norm", weights=settings.weights, classes=len(pictures.class_names), input_size=settings.image_size
    )
    heads = list(net.output)  # main and, with auxiliary heads, aux1 and aux2: each gives logits

    def prepare(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        # What the variant wants: RGB from -1 to 1. Every head learns the same labels.
        return images / 127.5 - 1.0, dict.fromkeys(heads, labels)

    net.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        loss={head: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for head in heads},
        loss_weights={head: 1.0 if head == "main" else 0.3 for head in heads},  # the paper's section 5
        metrics={"main": ["accuracy"]},
    )
    net.fit(pictures.map(prepare).prefetch(tf.data.AUTOTUNE), epochs=settings.epochs, verbose=2)
    net.save(settings.out)
    settings.out.with_suffix(".labels.txt").write_text("\n".join(pictures.class_names) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
