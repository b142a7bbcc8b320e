"""Training speed at 224 px beside a peer-style loop, in one run: python benchmarks/train_throughput.py

The peer: the same network built from plain torch modules (torch's own local response norm), fp32, NCHW, Adam, batch 32,
as the tutorials train it. Ours: the learner of ``googlenet train``, with all that it does in a step. The two take
turns; the ratio of medians is what counts. Random pixels: loading is not measured.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter
from unittest.mock import patch

import numpy as np
import torch
from torch.nn import functional

from googlenet.data.batches import Batch
from googlenet.data.preprocess import Preprocessing
from googlenet.network import torch_net
from googlenet.network.initial import initial_weights
from googlenet.network.torch_net import GoogLeNet
from googlenet.recipes import scratch
from googlenet.training.learner import Step
from googlenet.training.memory import keep_memory
from googlenet.training.torch_learner import TorchLearner
from googlenet.variants import paper

BATCH, STEPS, ROUNDS = 32, 3, 3


def main() -> None:
    """Measure and print."""
    rng, count = np.random.default_rng(0), np.arange(BATCH)
    batch = Batch(rng.integers(0, 256, (BATCH, 224, 224, 3), np.uint8), rng.integers(0, 5, BATCH), count)
    labels, images = torch.from_numpy(batch.labels), torch.randn(BATCH, 3, 224, 224)
    peer = GoogLeNet(paper(5)).train()
    peer_optimiser = torch.optim.Adam(peer.parameters(), lr=3e-4)

    def plain_lrn(x: torch.Tensor, layer: torch_net.layers.LocalResponseNorm) -> torch.Tensor:
        return functional.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k)

    def peer_steps() -> float:
        start = perf_counter()
        with patch.object(torch_net, "local_response_norm", plain_lrn):
            for _ in range(STEPS):
                logits = peer(images)
                losses = [functional.cross_entropy(head, labels) for head in (logits.main, logits.aux1, logits.aux2)]
                peer_optimiser.zero_grad(set_to_none=True)
                (losses[0] + 0.3 * (losses[1] + losses[2])).backward()
                peer_optimiser.step()
        return STEPS * BATCH / (perf_counter() - start)

    learner = TorchLearner(paper(5), Preprocessing(), scratch(optimiser="sgd", learning_rate=1e-4), None)
    learner.load(initial_weights(paper(5), seed=0))

    def our_steps() -> float:
        start = perf_counter()
        for seed in range(STEPS):
            learner.step(batch, Step(rate=1e-4, average_share=0.1, seed=seed))
        return STEPS * BATCH / (perf_counter() - start)

    peer_steps()
    plain = [peer_steps() for _ in range(ROUNDS)]
    keep_memory()  # cannot be undone, so the peer goes first
    our_steps()
    fast = [our_steps() for _ in range(ROUNDS)]
    print(f"peer {median(plain):.1f} images/s, ours ({learner.precision.name}) {median(fast):.1f} images/s")
    print(f"ratio {median(fast) / median(plain):.2f}")


if __name__ == "__main__":
    main()
