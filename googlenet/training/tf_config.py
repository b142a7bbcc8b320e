"""``TF_CONFIG``, by which TensorFlow knows the machines that train together; looked at without TensorFlow."""

from __future__ import annotations

import json
import os

from googlenet.errors import SettingsError


def check_tf_config() -> None:
    """Raises ``SettingsError`` where the environment has a ``TF_CONFIG`` that is wrong."""
    text = os.environ.get("TF_CONFIG")
    if text is None:
        return
    try:
        configuration = json.loads(text)
        workers, task = configuration["cluster"]["worker"], configuration["task"]
        is_good = set(configuration["cluster"]) == {"worker"} and task["type"] == "worker"
        is_good = is_good and 0 <= task["index"] < len(workers)
    except (ValueError, KeyError, TypeError):
        is_good = False
    if not is_good:
        raise SettingsError(
            f"TF_CONFIG is {text!r}; expected is "
            '{"cluster": {"worker": ["HOST:PORT", …]}, "task": {"type": "worker", "index": 0}}, the same for every '
            "process but for the index; unset it to train in one process"
        )
