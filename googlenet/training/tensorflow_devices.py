"""Where TensorFlow trains: one processor or GPU, several GPUs, or several processes that ``TF_CONFIG`` names."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf

from googlenet.training.processor import processor_has_bf16, usable_cores

_BF16_SINCE = (8, 0)  # the compute capability of NVIDIA's GPUs


def choose_strategy() -> tf.distribute.Strategy:
    """``MultiWorkerMirroredStrategy`` where ``TF_CONFIG`` is set, ``MirroredStrategy`` for several GPUs, else none."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)  # or TensorFlow takes all of it
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()


def place_among_workers(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Which process this is, and of how many."""
    resolver = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) or resolver is None:
        return 0, 1
    return resolver.task_id, len(resolver.cluster_spec().as_dict()["worker"])


def devices_in_words(strategy: tf.distribute.Strategy) -> str:
    """``cpu``, or the names of the GPUs, and how many processes share the work."""
    gpus = tf.config.list_physical_devices("GPU")
    names = [_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    here = f"GPU {', '.join(names)}" if names else "cpu"
    rank, world = place_among_workers(strategy)
    return f"{here} (worker {rank + 1} of {world})" if world > 1 else here


def lack_of_bf16() -> str | None:
    """Why bf16 would not help here, in words; None where it would."""
    gpus = tf.config.list_physical_devices("GPU")
    if any(_details(gpu).get("compute_capability", (0, 0)) < _BF16_SINCE for gpu in gpus):
        return "this GPU has no bf16 arithmetic"
    return None if gpus or processor_has_bf16() else "this cpu has no bf16 arithmetic"


def thread_count() -> int:
    """How many threads an operation may take."""
    return int(tf.config.threading.get_intra_op_parallelism_threads()) or usable_cores()


def _details(gpu: Any) -> dict[str, Any]:
    found: dict[str, Any] = tf.config.experimental.get_device_details(gpu)
    return found
