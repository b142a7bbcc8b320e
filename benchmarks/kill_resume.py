"""Kill a training 50 times at random instants and resume it each time: python benchmarks/kill_resume.py [KILLS]

A small network on generated images, in processes of its own that end by SIGKILL. In the end the weights must be those
of a run that nobody disturbed, to the bit. Checkpoints are written after every step, so that many kills fall into the
writing.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path
from time import sleep

import numpy as np
from PIL import Image

from googlenet.data.index import read_dataset
from googlenet.recipes import scratch
from googlenet.training import run
from googlenet.variants import batch_norm
from googlenet.weights.model_file import read_model

_LONGEST = 6.0  # seconds that a process lives, at most


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
    settings = scratch(image_size=64, epochs=20, batch_size=8, checkpoint_seconds=0)
    resume = (folder / run.SETTINGS_FILE).exists()
    folder.mkdir(exist_ok=True)
    run.train(read_dataset(images), settings, folder, resume=resume)


def main(kills: int) -> None:
    """Measure and print."""
    random.seed(0)
    with tempfile.TemporaryDirectory() as work:
        images, whole, killed = (Path(work, name) for name in ("images", "whole", "killed"))
        make_images(images)
        train(images, whole)
        done = 0
        while True:
            command = [sys.executable, __file__, "--child", str(images), str(killed)]
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
                if done < kills:
                    sleep(random.uniform(0, _LONGEST))
                    done += child.poll() is None
                    child.kill()
                elif child.wait() != 0:
                    sys.exit("the last process did not end well")
                else:
                    break
        expected, found = (read_model(folder / run.MODEL_FILE).tensors for folder in (whole, killed))
        same = all(np.array_equal(tensor, expected[name]) for name, tensor in found.items())
        print(f"{done} kills; the weights are {'the same to the bit' if same else 'NOT THE SAME'}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        train(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
