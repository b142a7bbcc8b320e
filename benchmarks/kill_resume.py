"""Kill a training 50 times at random instants and resume it each time: python benchmarks/kill_resume.py [KILLS]

A small network on generated images, in processes of its own that end by SIGKILL. In the end the weights must be those
of a run that nobody disturbed, to the bit. Checkpoints are written after every step, so that some kills fall into the
writing: those leave a partial file behind, by which they are counted. Every fourth process is killed at an instant
counted from its start, while it imports and reads; the others from the first checkpoint that they wrote themselves, so
that the run gets on. After each kill the newest checkpoint must be readable.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path
from time import sleep, time

import numpy as np
from PIL import Image

from googlenet.data.index import read_dataset
from googlenet.recipes import scratch
from googlenet.training import run
from googlenet.training.checkpoint import latest
from googlenet.variants import batch_norm
from googlenet.weights.model_file import read_model

_STARTING, _TRAINING = 6.0, 1.0  # seconds that a process lives, at most, from its start or from its first checkpoint
_EPOCHS = 80  # enough that the run outlasts 50 kills


def make_images(folder: Path) -> None:
    """Three classes of noise around a colour."""
    rng = np.random.default_rng(0)
    for name, colour in (("red", (200, 60, 60)), ("green", (60, 200, 60)), ("blue", (60, 60, 200))):
        (folder / name).mkdir(parents=True)
        for i in range(40):
            pixels = np.clip(rng.normal(colour, 60, (64, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")


def train(images: Path, folder: Path) -> None:
    """Begin the run in ``folder``, or go on with it."""
    run.variant = lambda name, classes, aux_heads: batch_norm(classes, aux_heads=aux_heads).scaled(1 / 8)  # type: ignore
    settings = scratch(image_size=64, epochs=_EPOCHS, batch_size=8, checkpoint_seconds=0)
    resume = (folder / run.SETTINGS_FILE).exists()
    folder.mkdir(exist_ok=True)
    run.train(read_dataset(images), settings, folder, resume=resume)


def live(child: subprocess.Popen[bytes], folder: Path, *, starting: bool) -> None:
    """Let the process live for a random time."""
    began = time()
    while not starting and child.poll() is None:
        if any(path.stat().st_mtime > began for path in folder.glob("checkpoint-*")):
            break
        sleep(0.01)
    sleep(random.uniform(0, _STARTING if starting else _TRAINING))


def kill_often(images: Path, folder: Path, kills: int) -> tuple[int, set[int]]:
    """Kill and resume; then let it end. Returns how many kills cut a file, and the positions resumed from."""
    cut, positions = 0, set()
    command = [sys.executable, __file__, "--child", str(images), str(folder)]
    for done in range(kills):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
            live(child, folder, starting=done % 4 == 3)
            if child.poll() is not None:
                sys.exit(f"the process ended by itself ({child.returncode}) after {done} kills; raise _EPOCHS")
            child.kill()
        cut += any(folder.glob(".*.partial"))
        checkpoint, trouble = latest(folder)
        if trouble:
            sys.exit(f"after {done + 1} kills: {trouble}")
        positions.add(checkpoint.samples if checkpoint else 0)
    subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
    return cut, positions


def main(kills: int) -> None:
    """Measure and print."""
    random.seed(0)
    with tempfile.TemporaryDirectory() as work:
        images, whole, killed = (Path(work, name) for name in ("images", "whole", "killed"))
        make_images(images)
        train(images, whole)
        cut, positions = kill_often(images, killed, kills)
        expected, found = (read_model(folder / run.MODEL_FILE).tensors for folder in (whole, killed))
        same = expected.keys() == found.keys() and all(
            np.array_equal(tensor, expected[name]) for name, tensor in found.items()
        )
        print(f"{kills} kills, {cut} of them while a file was written; resumed from {len(positions)} positions")
        print(f"the weights are {'the same to the bit' if same else 'NOT THE SAME'}")
        sys.exit(not same)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        train(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
