"""A second machine joins a training and leaves it again: python benchmarks/changing_hosts.py

Both are launchers on this machine, ``torchrun --nnodes=1:2``, a small network (an eighth of the width) on generated
images. The second comes when the first has trained for two epochs, and gets SIGTERM after two epochs together. Printed
is what the first says as they come and go; the run must be resumed twice and end well, with every epoch once.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.kill_resume import make_images

_ROOT = Path(__file__).parents[1]
_EPOCHS, _PATIENCE = 12, 180.0


def start(images: Path, run: Path, port: int, said: Path) -> subprocess.Popen[bytes]:
    """A launcher, as the same command on each machine starts it."""
    torchrun = ["--nnodes=1:2", "--nproc-per-node=1", "--max-restarts=5", "--rdzv-id=changing", "--rdzv-backend=c10d"]
    words = ["--recipe", "scratch", "--image-size", "64", "--batch-size", "16", "--epochs", str(_EPOCHS)]
    command = ["-m", "torch.distributed.run", *torchrun, f"--rdzv-endpoint=127.0.0.1:{port}"]
    command += [str(_ROOT / "tests/training/train_small.py"), "train", str(images), "--out", str(run), *words]
    # Without it the launcher of the first machine does not tell a later one where to meet (torch 2.14).
    environment = os.environ | {"PYTHONPATH": str(_ROOT), "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    with said.open("wb") as file:
        return subprocess.Popen([sys.executable, *command], env=environment, stdout=file, stderr=subprocess.STDOUT)


def epochs_of(run: Path) -> list[int]:
    """The ends of epochs that the run's log tells of, in samples."""
    log = run / "log.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line["samples"] for line in lines if "val/top1" in line]


def wait_for_epochs(run: Path, more: int, launcher: subprocess.Popen[bytes]) -> None:
    """Until so many more epochs are done, or the launcher has ended."""
    goal, begun = len(epochs_of(run)) + more, monotonic()
    while len(epochs_of(run)) < goal and launcher.poll() is None:
        if monotonic() - begun > _PATIENCE:
            sys.exit(f"no {more} epochs within {_PATIENCE:.0f} seconds")
        sleep(0.2)


def main() -> None:
    """Train and print."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as work:
        images, run, said = (Path(work, name) for name in ("images", "run", "first.txt"))
        make_images(images)
        first = start(images, run, port, said)
        wait_for_epochs(run, 2, first)
        second = start(images, run, port, Path(work, "second.txt"))
        while "resumed after" not in said.read_text() and first.poll() is None:
            sleep(0.2)
        wait_for_epochs(run, 2, first)
        second.send_signal(signal.SIGTERM)
        second.wait()
        code = first.wait()
        text = said.read_text()
        print("\n".join(line for line in text.splitlines() if "samples" in line))
        found = epochs_of(run)
        print(f"the first launcher ended with {code}; epochs ended after {found} samples")
        if code or text.count("resumed after") != 2 or found != sorted(set(found)) or len(found) != _EPOCHS:
            sys.exit(text)


if __name__ == "__main__":
    main()
