"""Training speed at 224 px beside a peer-style loop, in one run: python benchmarks/train_throughput.py

The peer: the same network built from plain torch modules (torch's own local response norm), fp32, NCHW, Adam, batch 32,
as the tutorials train it. Ours: this package's network and arithmetic as ``googlenet train`` uses them. The two take
turns; the ratio of medians is what counts. Random pixels: loading is not measured.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter
from unittest.mock import patch

import torch
from torch.nn import functional

from googlenet.network import torch_net
from googlenet.network.torch_net import GoogLeNet
from googlenet.recipes import scratch
from googlenet.training.memory import keep_memory
from googlenet.training.optimiser import make_optimiser, weight_average
from googlenet.training.precision import choose_precision
from googlenet.variants import paper

BATCH, STEPS, ROUNDS = 32, 3, 3


def _step(net: GoogLeNet, optimiser: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor) -> None:
    logits = net(images)
    heads = (logits.main, logits.aux1, logits.aux2)
    losses = [functional.cross_entropy(head.float(), labels) for head in heads]
    optimiser.zero_grad(set_to_none=True)
    (losses[0] + 0.3 * (losses[1] + losses[2])).backward()
    optimiser.step()


def main() -> None:
    """Measure and print."""
    labels = torch.randint(0, 5, (BATCH,))
    images = torch.randn(BATCH, 3, 224, 224)
    peer = GoogLeNet(paper(5)).train()
    peer_optimiser = torch.optim.Adam(peer.parameters(), lr=3e-4)

    def plain_lrn(x: torch.Tensor, layer: torch_net.layers.LocalResponseNorm) -> torch.Tensor:
        return functional.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k)

    def peer_steps() -> float:
        start = perf_counter()
        with patch.object(torch_net, "local_response_norm", plain_lrn):
            for _ in range(STEPS):
                _step(peer, peer_optimiser, images, labels)
        return STEPS * BATCH / (perf_counter() - start)

    ours = GoogLeNet(paper(5)).to(memory_format=torch.channels_last).train()
    settings = scratch(learning_rate=1e-4)
    optimiser, average = make_optimiser(ours, settings), weight_average(ours, 0.99)
    precision = choose_precision("auto", paper(5), torch.device("cpu"))
    last = images.to(memory_format=torch.channels_last)

    def our_steps() -> float:
        start = perf_counter()
        for _ in range(STEPS):
            with precision.autocast(torch.device("cpu")):
                _step(ours, optimiser, last, labels)
            average.update_parameters(ours)
        return STEPS * BATCH / (perf_counter() - start)

    peer_steps()
    plain = [peer_steps() for _ in range(ROUNDS)]
    keep_memory()  # cannot be undone, so the peer goes first
    our_steps()
    fast = [our_steps() for _ in range(ROUNDS)]
    print(f"peer {median(plain):.1f} images/s, ours ({precision.name}) {median(fast):.1f} images/s")
    print(f"ratio {median(fast) / median(plain):.2f}")


if __name__ == "__main__":
    main()
