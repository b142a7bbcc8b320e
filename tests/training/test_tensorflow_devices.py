"""What TensorFlow finds is used and said, whatever PyTorch finds. The GPUs are made up, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

_SCRIPT = """
import json
from types import SimpleNamespace
import tensorflow as tf
from googlenet.training import tensorflow_devices as devices

default, growing = tf.distribute.get_strategy(), []
tf.config.experimental.set_memory_growth = lambda gpu, on: growing.append(gpu.name)
tf.distribute.MirroredStrategy = lambda: default  # the real one wants real GPUs
for count, capability in ((1, (8, 9)), (2, (7, 5))):
    gpus = [SimpleNamespace(name=f"GPU:{i}") for i in range(count)]
    details = {"device_name": "NVIDIA L4", "compute_capability": capability}
    tf.config.list_physical_devices = lambda kind: gpus if kind == "GPU" else []
    tf.config.experimental.get_device_details = lambda gpu: details
    strategy = devices.choose_strategy()
    print(json.dumps([devices.devices_in_words(strategy), devices.lack_of_bf16(), growing]))
    growing.clear()
"""


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_gpus_are_used_and_named() -> None:
    result = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    one, two = map(json.loads, result.stdout.splitlines())
    assert one == ["GPU NVIDIA L4", None, ["GPU:0"]]
    assert two == ["GPU NVIDIA L4, NVIDIA L4", "this GPU has no bf16 arithmetic", ["GPU:0", "GPU:1"]]
