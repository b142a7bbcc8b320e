"""Our engines and exports beside torchvision's GoogLeNet in PyTorch eager mode, the model alone, in one run.

    python benchmarks/export_speed.py [MODEL or EXPORT …]

Without arguments: the networks ``batch_norm`` and ``paper`` with random weights at 224 px on onnxruntime in fp32. With
arguments these models or exports too, each beside torchvision at its own image size. Everyone takes turns, so that a
machine that slows down slows all; figures are medians.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import numpy as np
import torch
import torchvision

from googlenet.data.preprocess import Preprocessing
from googlenet.engines import open_engine
from googlenet.engines.cores import usable_cores
from googlenet.export.opening import open_for_answers
from googlenet.network.torch_net import GoogLeNet
from googlenet.variants import variant
from googlenet.weights.labels import numbered
from googlenet.weights.model_file import SealedModel

BATCH, ROUNDS, SINGLES = 32, 15, 200

Run = Callable[[np.ndarray], object]


def torchvision_eager() -> Run:
    """As its documentation shows it, in eval mode and without gradients."""
    torch.manual_seed(0)
    net = torchvision.models.googlenet(weights=None, init_weights=True, aux_logits=False).eval()

    def run(images: np.ndarray) -> object:
        with torch.inference_mode():
            return net(torch.from_numpy(images))

    return run


def ours(name: str) -> SealedModel:
    """A network with new weights."""
    torch.manual_seed(0)
    spec = variant(name, 1000, aux_heads=False)
    net = GoogLeNet(spec)
    tensors = {key: np.array(value) for key, value in net.canonical().items()}
    return SealedModel(spec, numbered(1000), Preprocessing(), tensors, {})


def seconds(run: Run, images: np.ndarray) -> float:
    """Of one call."""
    start = perf_counter()
    run(images)
    return perf_counter() - start


def compare(label: str, run: Run, size: int, peer: Run) -> None:
    """Print one row."""
    images = np.random.default_rng(0).standard_normal((BATCH, 3, size, size)).astype(np.float32)
    for one in (run, peer):
        one(images)
    pairs = [(seconds(run, images), seconds(peer, images)) for _ in range(ROUNDS)]
    speed, peer_speed = (BATCH / median(times) for times in zip(*pairs, strict=True))
    ratio = median(theirs / own for own, theirs in pairs)
    run(images[:1])
    singles = [1000 * seconds(run, images[:1]) for _ in range(SINGLES)]
    cuts = quantiles(singles, n=100)
    print(
        f"{label:40} {size} px, batch {BATCH}: {speed:6.1f} images/s, torchvision {peer_speed:5.1f}: {ratio:5.2f} x; "
        f"batch 1: p50 {cuts[49]:6.2f} ms, p99 {cuts[98]:6.2f} ms",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(usable_cores())
    peer = torchvision_eager()
    if len(sys.argv) == 1:
        for name in ("batch_norm", "paper"):
            compare(f"onnxruntime fp32, {name}", open_engine(ours(name)).logits, 224, peer)
    for path in sys.argv[1:]:
        model, opening = open_for_answers(Path(path))
        compare(path, opening().logits, model.preprocessing.crop_size, peer)


if __name__ == "__main__":
    main()
