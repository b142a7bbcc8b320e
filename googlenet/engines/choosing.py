"""The fastest engine and precision that gives the right answers on this machine, tried once and remembered.

Each is tried in a process of its own, for compiling a network has been known to crash some processors' runtimes.
TensorFlow is never tried: loading it takes longer than it saves. PyTorch is where there is a GPU for it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from googlenet.engines.cores import usable_cores
from googlenet.engines.memory import machine_key, recall, remember
from googlenet.errors import SettingsError
from googlenet.weights.model_file import SealedModel

AUTO = "auto"
REFERENCE = ("onnxruntime", "fp32")
TOLERANCES = {"fp32": 1e-4, "bf16": 0.03}
"""How far logits may be from the reference's: fraction of the largest. Every answer must be the same, too."""

_SECONDS = 120  # for one trial; a slow machine needs 10

Pair = tuple[str, str]


@dataclass(frozen=True)
class Trial:
    """What one engine and precision did: images per second, or why it cannot be taken."""

    engine: str
    precision: str
    images_per_second: float = 0.0
    fault: str | None = None


@dataclass(frozen=True)
class Choice:
    """The engine and the precision to take, and all that were tried; ``is_new``: not remembered but just measured."""

    engine: str
    precision: str
    trials: tuple[Trial, ...]
    is_new: bool

    def in_words(self) -> str:
        """One line for a person."""
        tried = ", ".join(
            f"{trial.engine} {trial.precision} "
            + (f"not taken: {trial.fault}" if trial.fault else f"{trial.images_per_second:.0f} images/s")
            for trial in self.trials
        )
        return f"engine: {self.engine} {self.precision}, the fastest that answers right here ({tried})"


def choose(model: SealedModel, precision: str = AUTO) -> Choice:
    """The choice for a model that was read from a file; a converted one gets the reference.

    ``precision`` fp32 leaves out the others. Takes some seconds the first time.
    """
    if model.path is None:
        return Choice(*REFERENCE, (), is_new=False)
    key = _key(f"engine {precision}", model.path)
    if (known := recall(key)) and (choice := _from_memory(known)):
        return choice
    choice = _best(_try_all(model.path, [pair for pair in candidates() if precision in (AUTO, pair[1])]))
    remember(key, {"trials": [vars(trial) for trial in choice.trials]})
    return choice


def check_survives(model: SealedModel, pair: Pair) -> None:
    """Raise ``SettingsError`` where the process of an engine, asked for by name, is killed or hangs on ``model`` here.

    Tried once and remembered. An engine's own complaint passes: it comes again, whole, when the engine is opened. So
    does a converted model, whose file a trial would convert anew.
    """
    if model.path is None:
        return
    key = _key(f"survives {' '.join(pair)}", model.path)
    if recall(key):
        return
    answer = run_trial(model.path, pair)
    if answer.get("died"):
        raise SettingsError(
            f"--engine is {pair[0]}, whose process {answer['fault']} with {model.path} at {pair[1]} on this machine; "
            "take --engine auto or onnxruntime"
        )
    if "fault" not in answer:
        remember(key, {"passed": True})


def _key(subject: str, path: Path) -> str:
    return machine_key(subject, hashlib.sha256(path.read_bytes()).hexdigest(), usable_cores())


def candidates() -> list[Pair]:
    """The engines that are installed here and worth a trial, the reference first."""
    found = [REFERENCE]
    if find_spec("openvino"):
        found += [("openvino", "fp32"), ("openvino", "bf16")]
    if find_spec("torch") and Path("/dev/nvidia0").exists():
        found.append(("torch", "fp32"))
    return found


def _from_memory(known: dict[str, object]) -> Choice | None:
    try:
        trials = [Trial(**trial) for trial in known["trials"]]  # type: ignore[attr-defined]
        choice = _best(trials)
    except (KeyError, TypeError, ValueError):
        return None
    return Choice(choice.engine, choice.precision, choice.trials, is_new=False)


def _best(trials: Sequence[Trial]) -> Choice:
    right = [trial for trial in trials if trial.fault is None]
    best = max(right, key=lambda trial: trial.images_per_second, default=Trial(*REFERENCE))
    return Choice(best.engine, best.precision, tuple(trials), is_new=True)


def _try_all(path: Path, pairs: Sequence[Pair]) -> list[Trial]:
    answers = {pair: run_trial(path, pair) for pair in dict.fromkeys([REFERENCE, *pairs])}
    reference = answers[REFERENCE].get("logits")
    return [_judged(pair, answers[pair], reference) for pair in pairs]


def _judged(pair: Pair, answer: dict[str, object], reference: object) -> Trial:
    if "fault" in answer:
        return Trial(*pair, fault=str(answer["fault"]))
    if reference is None:
        return Trial(*pair, fault="the reference could not be run")
    found, expected = (np.array(values, np.float64) for values in (answer["logits"], reference))
    if found.shape != expected.shape or not np.isfinite(found).all():
        return Trial(*pair, fault="what it gives is no answer")
    difference = float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))
    if difference > TOLERANCES[pair[1]] or (found.argmax(1) != expected.argmax(1)).any():
        return Trial(*pair, fault=f"logits differ by {difference:.1e} of the largest")
    return Trial(*pair, images_per_second=float(str(answer["images_per_second"])))


def run_trial(path: Path, pair: Pair) -> dict[str, object]:
    """Logits and speed of one engine, from a process of its own; ``fault`` where there are none.

    ``died`` is with it where the process was killed by a signal or took too long, and could not say why itself.
    """
    command = [sys.executable, "-m", "googlenet.engines.trial", str(path), *pair]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"fault": f"took more than {_SECONDS} s", "died": True}
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        fault = f"ended with {done.returncode}" + (f", {last[0][:200]}" if last else "")
        # A signal is negative on POSIX; Windows gives an exception's code, which Python's own 1 never is.
        return {"fault": fault, "died": done.returncode not in (1, 2)}
    try:
        found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return {"fault": "said nothing"}
    return found


def trial_images(model: SealedModel, count: int = 8) -> NDArray[np.float32]:
    """Smooth pictures of all colours, prepared: nearer to photographs than noise is."""
    from PIL import Image

    from googlenet.data.preprocess import normalise

    size, rng = model.preprocessing.crop_size, np.random.default_rng(0)
    small = rng.integers(0, 256, (count, 7, 7, 3), np.uint8)
    pictures = [Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC) for pixels in small]
    return np.stack([normalise(picture, model.preprocessing) for picture in pictures])
