"""What a drawing is made of, and its colours; how it becomes a file is svg.py's and png.py's business.

Units are CSS pixels at A4 width; y grows downwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Anchor: TypeAlias = Literal["start", "middle", "end"]
Ink: TypeAlias = Literal["ink", "soft"]


@dataclass(frozen=True)
class Tone:
    """Fill and stroke on a light page and on a dark one."""

    fill: str
    stroke: str
    dark_fill: str
    dark_stroke: str


TONES = {
    "page": Tone("#ffffff", "#ffffff", "#12171e", "#12171e"),
    "panel": Tone("#f8fafc", "#cbd3dd", "#171e27", "#3a4554"),
    "data": Tone("#e9edf2", "#77828f", "#28313c", "#8592a2"),
    "conv1x1": Tone("#dbe9fd", "#3a72bd", "#17335a", "#74abf7"),
    "reduce": Tone("#fdf0c4", "#a67c00", "#443410", "#dcb24c"),
    "conv3x3": Tone("#d8f1df", "#2d8a53", "#143c27", "#62c78c"),
    "conv5x5": Tone("#fde1d3", "#c05a31", "#4c2515", "#f19a74"),
    "conv7x7": Tone("#d3f0f2", "#217f88", "#113a3f", "#5cc3cd"),
    "pool": Tone("#e8e3f8", "#7259bb", "#2e2551", "#ae99f0"),
    "linear": Tone("#f9dbe9", "#b03d76", "#481b34", "#ec8bba"),
    "norm": Tone("#f2f1ec", "#918f80", "#2a2a26", "#97958a"),
}
INKS = {"ink": ("#17202b", "#e9eef4"), "soft": ("#566270", "#a6b2c0")}
LINE = ("#66727f", "#8b98a7")


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    tone: str

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, kw_only=True)
class Text:
    """One line; ``y`` is its vertical middle."""

    x: float
    y: float
    words: str
    size: float = 13
    anchor: Anchor = "middle"
    bold: bool = False
    ink: Ink = "ink"


@dataclass(frozen=True)
class Arrow:
    """A line through ``points`` with a head at its end."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Scene:
    """A drawing, its parts from the back to the front."""

    width: float
    height: float
    title: str
    summary: str  # read out in place of the picture
    parts: list[Box | Text | Arrow] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, tone: str, *lines: str, size: float = 13) -> Box:
        """A box with ``lines`` in its middle: the first bold, those after it smaller."""
        box = Box(x=x, y=y, width=width, height=height, tone=tone)
        self.parts.append(box)
        step = size + 4
        top = y + height / 2 - step * (len(lines) - 1) / 2
        for i, words in enumerate(lines):
            self.text(box.middle, top + i * step, words, size=size - (i > 0), bold=i == 0)
        return box

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 13,
        anchor: Anchor = "middle",
        bold: bool = False,
        ink: Ink = "ink",
    ) -> None:
        self.parts.append(Text(x=x, y=y, words=words, size=size, anchor=anchor, bold=bold, ink=ink))

    def arrow(self, *points: tuple[float, float]) -> None:
        self.parts.append(Arrow(points))
