"""The well-known tutorial's training loop, as a peer: python benchmarks/tutorial_loop.py DATA [EPOCHS [bf16]]

Its network, its augmentation by torchvision, Adam at 3e-4, batches of 32, fp32, NCHW, 30 EPOCHS, on the training images
that ``googlenet train DATA`` takes; after each epoch the accuracy on the same validation images, warped to 224 px as
there. Printed are each epoch's accuracy and seconds, and what all epochs take.

``bf16`` (channels-last, autocast) takes half the time for about the same accuracy: for the accuracy alone, not for the
time. EPOCHS 1 without it gives the time of an epoch as the tutorial writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from time import perf_counter

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import transforms

from googlenet.data.index import Dataset, Split, read_dataset
from googlenet.network.initial import initial_weights
from googlenet.network.torch_net import GoogLeNet
from googlenet.variants import tutorial

BATCH, RATE, SIZE = 32, 3e-4, 224
TO_TENSOR = [transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)]
TRAIN = transforms.Compose([transforms.RandomResizedCrop(SIZE), transforms.RandomHorizontalFlip(), *TO_TENSOR])
JUDGE = transforms.Compose([transforms.Resize((SIZE, SIZE)), *TO_TENSOR])

Arithmetic = Callable[[], AbstractContextManager[object]]


class Photographs(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """As torchvision's ``ImageFolder`` reads them, of one split."""

    def __init__(self, dataset: Dataset, split: Split, transform: Callable[[Image.Image], Tensor]) -> None:
        self.dataset, self.rows, self.transform = dataset, dataset.select(split), transform

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        row = int(self.rows[i])
        with Image.open(self.dataset.path(row)) as image:
            return self.transform(image.convert("RGB")), int(self.dataset.labels[row])


def train_epoch(
    net: GoogLeNet,
    batches: DataLoader[tuple[Tensor, Tensor]],
    optimiser: torch.optim.Optimizer,
    arithmetic: Arithmetic,
    layout: torch.memory_format,
) -> None:
    """Every training image once."""
    net.train()
    for images, labels in batches:
        optimiser.zero_grad()
        with arithmetic():
            logits = net(images.to(memory_format=layout))
        main, *heads = (
            functional.cross_entropy(head.float(), labels) for head in (logits.main, logits.aux1, logits.aux2)
        )
        (main + 0.3 * sum(heads)).backward()
        optimiser.step()


@torch.no_grad()
def accuracy(
    net: GoogLeNet, batches: DataLoader[tuple[Tensor, Tensor]], arithmetic: Arithmetic, layout: torch.memory_format
) -> float:
    """On the validation images."""
    net.eval()
    right = count = 0
    for images, labels in batches:
        with arithmetic():
            answers = net(images.to(memory_format=layout)).main.argmax(1)
        right, count = right + int((answers == labels).sum()), count + len(labels)
    return right / count


def main() -> None:
    """Train and print."""
    data, epochs, *fast = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 30, *sys.argv[3:]
    arithmetic: Arithmetic = partial(torch.autocast, "cpu", torch.bfloat16) if fast else nullcontext
    layout = torch.channels_last if fast else torch.contiguous_format
    torch.manual_seed(0)
    dataset = read_dataset(Path(data), seed=0)
    spec = tutorial(len(dataset.classes))
    net = GoogLeNet(spec)
    net.load_canonical(initial_weights(spec, seed=0))
    net.to(memory_format=layout)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    training = DataLoader(Photographs(dataset, Split.TRAIN, TRAIN), batch_size=BATCH, shuffle=True)
    validation = DataLoader(Photographs(dataset, Split.VAL, JUDGE), batch_size=BATCH)
    best, begun = 0.0, perf_counter()
    for epoch in range(1, epochs + 1):
        start = perf_counter()
        train_epoch(net, training, optimiser, arithmetic, layout)
        found = accuracy(net, validation, arithmetic, layout)
        best = max(best, found)
        print(f"epoch {epoch}: validation {found:.1%} (best {best:.1%}), {perf_counter() - start:.0f} s", flush=True)
    print(f"{epochs} epochs in {perf_counter() - begun:.0f} s, best {best:.1%}")


if __name__ == "__main__":
    main()
