"""A scene as SVG text that follows the reader's light or dark setting; the light colours stand in the elements too,
for viewers that read no style sheet.
"""

from __future__ import annotations

from html import escape

from googlenet.describe.drawing.scene import INKS, LINE, TONES, Arrow, Box, Scene, Text

_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_HEAD = 7  # length of an arrow's head


def svg_text(scene: Scene) -> str:
    """The drawing as one ``<svg>`` element, without an XML declaration, so that it can stand in an HTML page."""
    page = Box(x=0, y=0, width=scene.width, height=scene.height, tone="page")
    parts = "\n".join(_part(part) for part in (page, *scene.parts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {scene.width:g} {scene.height:g}" '
        f'width="{scene.width:g}" height="{scene.height:g}" role="img" font-family="{_FONT}">\n'
        f"<title>{escape(scene.title)}</title>\n<desc>{escape(scene.summary)}</desc>\n"
        f"<style>{_style()}</style>\n{parts}\n</svg>\n"
    )


def _style() -> str:
    rules = [f".d-{name}{{fill:{tone.dark_fill};stroke:{tone.dark_stroke}}}" for name, tone in TONES.items()]
    rules += [f".d-{name}{{fill:{dark}}}" for name, (_, dark) in INKS.items()]
    rules += [f".d-line{{stroke:{LINE[1]}}}", f".d-head{{fill:{LINE[1]}}}"]
    return "@media (prefers-color-scheme: dark){" + "".join(rules) + "}"


def _part(part: Box | Text | Arrow) -> str:
    match part:
        case Box(tone=name):
            tone, corner = TONES[name], 0 if name == "page" else 5
            return (
                f'<rect class="d-{name}" x="{part.x:g}" y="{part.y:g}" width="{part.width:g}" '
                f'height="{part.height:g}" rx="{corner}" fill="{tone.fill}" stroke="{tone.stroke}"/>'
            )
        case Text():
            weight = ' font-weight="600"' if part.bold else ""
            # A third of the size below the middle is the base line; dominant-baseline is not understood everywhere.
            return (
                f'<text class="d-{part.ink}" x="{part.x:g}" y="{part.y + part.size * 0.35:g}" '
                f'font-size="{part.size:g}" text-anchor="{part.anchor}"{weight} fill="{INKS[part.ink][0]}">'
                f"{escape(part.words)}</text>"
            )
    return _arrow(part)


def _arrow(arrow: Arrow) -> str:
    (x0, y0), (x1, y1) = arrow.points[-2:]
    length = max(abs(x1 - x0), abs(y1 - y0))
    along = ((x1 - x0) / length, (y1 - y0) / length)
    neck = (x1 - _HEAD * along[0], y1 - _HEAD * along[1])
    wing = (-along[1] * _HEAD / 2, along[0] * _HEAD / 2)
    path = "M" + "L".join(f"{x:g},{y:g}" for x, y in (*arrow.points[:-1], neck))
    head = f"M{x1:g},{y1:g}L{neck[0] + wing[0]:g},{neck[1] + wing[1]:g}L{neck[0] - wing[0]:g},{neck[1] - wing[1]:g}Z"
    return (
        f'<path class="d-line" d="{path}" fill="none" stroke="{LINE[0]}" stroke-width="1.4"/>'
        f'<path class="d-head" d="{head}" fill="{LINE[0]}"/>'
    )
