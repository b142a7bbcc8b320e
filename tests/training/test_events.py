"""TensorFlow, whose format it is, reads the events that were written."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from googlenet.training.events import Events

_READ = """
import json, sys
from tensorflow.compat.v1.train import summary_iterator
first, *others = summary_iterator(sys.argv[1])
found = [[event.step, {value.tag: value.simple_value for value in event.summary.value}] for event in others]
print(json.dumps([first.file_version, found]))
"""


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed")
def test_tensorflow_reads_the_numbers(tmp_path: Path) -> None:
    events = Events(tmp_path / "events")
    for step in (32, 64):
        events.add(step, {"train/loss_main": step / 2, "val/top1": 0.5})
    events.close()
    (file,) = (tmp_path / "events").glob("*tfevents*")
    # in a process of its own: TensorFlow before torch in one ends both
    read = subprocess.run([sys.executable, "-c", _READ, str(file)], check=True, capture_output=True, text=True).stdout
    numbers = [[step, {"train/loss_main": step / 2, "val/top1": 0.5}] for step in (32, 64)]
    assert json.loads(read) == ["brain.Event:2", numbers]
