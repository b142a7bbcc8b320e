"""A scene as a PNG file, light, three pixels to the unit: 300 dpi at A4 width."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from googlenet.describe.drawing.scene import INKS, LINE, TONES, Arrow, Box, Scene, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UNITS_PER_INCH = 100
_POINTS = 72 / _UNITS_PER_INCH
_NARROWER = 0.92  # matplotlib's own font is wider than those that a browser takes


def png_bytes(scene: Scene) -> bytes:
    """The drawing as the content of a .png file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(scene.width / _UNITS_PER_INCH, scene.height / _UNITS_PER_INCH), dpi=300)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, scene.width), ylim=(scene.height, 0))
    axes.axis("off")
    for order, part in enumerate(scene.parts):
        _draw(axes, part, order)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=300, metadata={"Title": scene.title, "Description": scene.summary})
    return buffer.getvalue()


def _draw(axes: Axes, part: Box | Text | Arrow, order: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    if isinstance(part, Box):
        tone, corner = TONES[part.tone], 5
        axes.add_patch(
            FancyBboxPatch(
                (part.x + corner, part.y + corner),
                part.width - 2 * corner,
                part.height - 2 * corner,
                boxstyle=f"round,pad={corner},rounding_size={corner}",
                facecolor=tone.fill,
                edgecolor=tone.stroke,
                linewidth=_POINTS,
                zorder=order,
            )
        )
    elif isinstance(part, Text):
        axes.text(
            part.x,
            part.y,
            part.words,
            fontsize=part.size * _POINTS * _NARROWER,
            fontweight="bold" if part.bold else "normal",
            color=INKS[part.ink][0],
            ha={"start": "left", "middle": "center", "end": "right"}[part.anchor],
            va="center_baseline",
            zorder=order,
        )
    else:
        _draw_arrow(axes, part, order)


def _draw_arrow(axes: Axes, arrow: Arrow, order: int) -> None:
    xs, ys = zip(*arrow.points[:-1], strict=True)
    axes.plot(xs, ys, color=LINE[0], linewidth=1.4 * _POINTS, zorder=order, solid_capstyle="butt")
    axes.annotate(
        "",
        xy=arrow.points[-1],
        xytext=arrow.points[-2],
        zorder=order,
        arrowprops={
            "arrowstyle": "-|>,head_length=0.35,head_width=0.17",
            "color": LINE[0],
            "linewidth": 1.4 * _POINTS,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
