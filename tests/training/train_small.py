"""``googlenet``'s command line with networks of an eighth of the width and a checkpoint after each step.

``torchrun`` starts it. With KILL_AT=N or ERROR_AT=N the second process ends in its step N, by SIGKILL or by an error,
unless it was started anew. With LATE=S the first begins S seconds after the others.
"""

from __future__ import annotations

import os
import signal
from time import sleep
from typing import Any

from googlenet import variants
from googlenet.cli import main
from googlenet.errors import TrainingError
from googlenet.training import run
from googlenet.training.loop import Trainer
from googlenet.training.torch_learner import TorchLearner


def _small(name: str, classes: int, aux_heads: bool) -> Any:
    return variants.variant(name, classes, aux_heads=aux_heads).scaled(1 / 8)


class _Learner(TorchLearner):
    _steps = 0

    def step(self, *arguments: Any) -> dict[str, float]:
        self._steps += 1
        if os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            if self._steps == int(os.environ.get("KILL_AT", 0)):
                os.kill(os.getpid(), signal.SIGKILL)
            if self._steps == int(os.environ.get("ERROR_AT", 0)):
                raise TrainingError("the second process cannot go on")
        return super().step(*arguments)


if __name__ == "__main__":
    run.variant = _small  # type: ignore[assignment]
    run.find_learner = lambda framework: _Learner  # type: ignore[assignment]
    Trainer._is_time = lambda self: True  # type: ignore[method-assign]
    if os.environ.get("RANK") == "0":
        sleep(float(os.environ.get("LATE", 0)))
    main()
