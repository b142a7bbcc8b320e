"""The paper's GoogLeNet as somebody else would write it: functions, other names, and the mistakes that people make."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Answers = namedtuple("Answers", "logits aux1 aux2")

# in, 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection: the paper's Table 1
TABLE = {
    "a3": (192, 64, 96, 128, 16, 32, 32),
    "b3": (256, 128, 128, 192, 32, 96, 64),
    "a4": (480, 192, 96, 208, 16, 48, 64),
    "b4": (512, 160, 112, 224, 24, 64, 64),
    "c4": (512, 128, 128, 256, 24, 64, 64),
    "d4": (512, 112, 144, 288, 32, 64, 64),
    "e4": (528, 256, 160, 320, 32, 128, 128),
    "a5": (832, 256, 160, 320, 32, 128, 128),
    "b5": (832, 384, 192, 384, 48, 128, 128),
}


class Block(nn.Module):
    """One module; ``fault`` is the mistake to make in it."""

    def __init__(self, widths: tuple[int, ...], fault: str | None) -> None:
        super().__init__()
        source, one, reduce3, three, reduce5, five, proj = widths
        self.fault = fault
        self.p = nn.Conv2d(source, one, 1)
        self.q0 = nn.Identity() if fault == "no reduction" else nn.Conv2d(source, reduce3, 1)
        self.q1 = nn.Conv2d(source if fault == "no reduction" else reduce3, three, 3, padding=1)
        self.r0 = nn.Conv2d(source, reduce5, 1, bias=fault != "no bias")
        kernel = 3 if fault == "3x3 kernel" else 5
        self.r1 = nn.Conv2d(reduce5, five, kernel, padding=kernel // 2)
        self.s = nn.Conv2d(source, proj, 1)

    def forward(self, x: Tensor) -> Tensor:
        p = functional.relu(self.p(x))
        q = self.q0(x) if self.fault == "no reduction" else self.q0(x).relu()
        q = torch.relu_(self.q1(q))
        r = functional.relu(self.r1(self.r0(x).clamp(min=0)))
        s = self.s(functional.max_pool2d(x, 3, 1, 1))
        if self.fault != "no relu":
            s = functional.relu(s)
        parts = (p, r, q, s) if self.fault == "channel order" else (p, q, r, s)
        return torch.cat(parts, 1)


class Head(nn.Sequential):
    """An auxiliary classifier."""

    def __init__(self, source: int, classes: int) -> None:
        super().__init__(
            nn.AvgPool2d(5, 3),
            nn.Conv2d(source, 128, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(2048, 1024),
            nn.ReLU(),
            nn.Dropout(0.7),
            nn.Linear(1024, classes),
        )


def norm(x: Tensor, fault: str | None) -> Tensor:
    # torch divides alpha by the size; who multiplies it again has an alpha five times too strong.
    return functional.local_response_norm(x, 5, 5e-4 if fault == "lrn alpha" else 1e-4, 0.75, 1.0)


class Independent(nn.Module):
    """``answer``: how the outputs come in training: namedtuple, dict, tuple or alone. ``where``: the faulty module."""

    def __init__(
        self, fault: str | None = None, where: str = "a3", answer: str = "namedtuple", classes: int = 7
    ) -> None:
        super().__init__()
        self.fault, self.answer = fault, answer
        self.first = nn.Conv2d(3, 64, 7, 2, 3)
        self.second = nn.Sequential(nn.Conv2d(64, 64, 1), nn.ReLU(inplace=True), nn.Conv2d(64, 192, 3, padding=1))
        self.blocks = nn.ModuleDict(
            {name: Block(widths, fault if name == where else None) for name, widths in TABLE.items()}
        )
        self.side = nn.ModuleList([Head(512, classes), Head(528, classes)])
        self.last = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Any:
        x = functional.max_pool2d(functional.relu(self.first(x)), 3, 2, ceil_mode=True)
        x = x if self.fault == "no first lrn" else norm(x, self.fault)
        x = functional.relu(self.second(x))
        x = x if self.fault == "no second lrn" else norm(x, None)
        x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
        side = []
        for name, block in self.blocks.items():
            if name == "a4":
                x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
            if name == "a5":
                x = functional.max_pool2d(x, 2 if self.fault == "pool4 2x2" else 3, 2, ceil_mode=True)
            x = block(x)
            if name in ("a4", "d4"):
                side.append(x)
        main = self.last(functional.dropout(x.mean((2, 3)), 0.4, self.training))
        if self.answer == "alone":
            return main
        first, second = (head(value) for head, value in zip(self.side, side, strict=True))
        if self.fault == "swapped":
            first, second = second, first
        if self.answer == "dict":
            return {"out": main, "aux1": first, "aux2": second}
        return Answers(main, first, second) if self.answer == "namedtuple" else (main, second, first)


def conforming() -> nn.Module:
    """What ``describe --certify tests.conformance.independent:conforming`` makes."""
    return Independent()


def crashes_on_224() -> nn.Module:
    """A network for images of another size."""
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
