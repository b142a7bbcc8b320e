"""One framework in a process of its own: two of them in one would share threads and memory pools, and cost each other.

The parent starts ``python -m googlenet.twins.process SIDE FOLDER``; the folder holds the job and gets the answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from googlenet.errors import GoogLeNetError, MissingExtraError, TrainingError
from googlenet.twins.job import read_job, write_answer

SIDES = {"tensorflow": "TensorFlow", "torch": "PyTorch"}
"""Name -> what people call it; the module is ``<name>_side``, package and extra are called as the name.

TensorFlow comes first: it is the one that is sooner too old, and PyTorch takes longer, for it computes twice.
"""

_STEP = "step "  # what a line of progress begins with
_MISTAKE = 2  # exit code: the last line on standard error is for the user


def run_side(side: str, folder: Path, progress: Callable[[int, int], None]) -> dict[str, str]:
    """Let a side answer the job in ``folder``; returns the versions of what computed.

    Raises ``MissingExtraError``'s words as ``GoogLeNetError``, ``TrainingError`` when the process dies.
    """
    # Both on the processor: a GPU rounds otherwise (TF32), and only one of the two may see it.
    environment = os.environ | {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", __name__, side, str(folder)]
    with (folder / f"{side}.err").open("w+", encoding="utf-8", errors="replace") as errors:
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            try:
                assert process.stdout is not None  # it is a pipe
                for line in process.stdout:
                    if line.startswith(_STEP):
                        done, total = line.removeprefix(_STEP).split()
                        progress(int(done), int(total))
            except BaseException:
                process.kill()
                raise
        errors.seek(0)
        last = (errors.read().strip().splitlines() or ["nothing on standard error"])[-1]
    if process.returncode == _MISTAKE:
        raise GoogLeNetError(last)
    if process.returncode:
        raise TrainingError(
            f"{SIDES[side]} ended with exit code {process.returncode} ({last}); "
            "where that is a lack of memory, give a smaller --batch-size"
        )
    versions: dict[str, str] = json.loads((folder / f"{side}.json").read_text(encoding="utf-8"))
    return versions


def main(side: str, folder: Path) -> None:
    """The child: answer the job, tell of each step on standard output."""

    def tell(done: int, total: int) -> None:
        print(f"{_STEP}{done} {total}", flush=True)

    job = read_job(folder)
    tell(0, job.steps)
    try:
        module = import_module(f"googlenet.twins.{side}_side")
    except ModuleNotFoundError as error:
        if error.name != side:
            raise
        raise MissingExtraError(side, side) from error
    for name, answer in module.answer(job, tell).items():
        write_answer(folder, name, answer)
    (folder / f"{side}.json").write_text(json.dumps(module.versions()), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except GoogLeNetError as error:
        print(error, file=sys.stderr)
        sys.exit(_MISTAKE)
