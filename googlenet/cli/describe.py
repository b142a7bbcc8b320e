"""``googlenet describe``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, say
from googlenet.errors import SettingsError

if TYPE_CHECKING:
    from googlenet.spec import Spec

Format = Literal["table", "json", "markdown", "html"]
Drawing = Literal["network", "module", "aux"]


def describe(
    *,
    variant: str = "paper",
    input_size: int = 224,
    classes: int | None = None,
    aux_heads: Annotated[bool | None, Parameter(negative="--no-aux-heads")] = None,
    batch: int = 1,
    format: Format | None = None,
    draw: Drawing | None = None,
    module: str | None = None,
    out: Path | None = None,
    certify: str | None = None,
    as_json: Json = False,
) -> None:
    """The network itself: every layer, number and saving, computed; and drawings of it.

    Parameters
    ----------
    variant
        paper, batch_norm, torchvision, slim, tutorial, tutorial_tf, tutorial_bn or naive
    input_size
        pixels, the side of the square image
    classes
        how many; the variant's own by default
    aux_heads
        with or without the auxiliary heads; as the variant has it by default
    batch
        images at once, for the memory of the activations
    format
        how it is written on standard output; table by default
    draw
        a figure instead: the whole network, a module naive and with reductions, or the heads
    module
        which module to draw; 3a by default
    out
        the .svg or .png file of the drawing
    certify
        say layer by layer what of a model differs from the paper: a sealed model, a foreign checkpoint, an ONNX graph,
        or package.module:factory, whose code is run to make a torch module; exit code 1 where anything differs
    """
    if certify is not None:
        if draw is not None or out is not None or format is not None:
            raise SettingsError("--certify stands alone or with --json; leave --draw, --out and --format out")
        _certify(certify, as_json=as_json)
        return
    from googlenet.variants import variant as make_spec

    if as_json and format not in (None, "json"):
        raise SettingsError(f"--json and --format {format} are both given; choose one, there is one standard output")
    if module is not None and draw != "module":
        raise SettingsError(f"--module is {module!r}, but only --draw module has one; leave it out, or draw that")
    spec = make_spec(variant, classes, aux_heads=aux_heads)
    if draw is None:
        if out is not None:
            raise SettingsError(f"--out is {out}, but nothing is drawn; add --draw network, module or aux")
        _write(spec, input_size, batch, "json" if as_json else format or "table")
    elif out is None:
        raise SettingsError(f"--draw {draw} has no --out; name the .svg or .png file to write")
    else:
        _draw(spec, draw, module or "3a", input_size, out)
        if as_json:
            print_json({"drawing": str(out)})
        else:
            say(f"drawing: {out}")


def _certify(subject: str, *, as_json: bool) -> None:
    from googlenet.conformance.certify import certify

    certificate = certify(subject)
    if as_json:
        print_json(certificate.as_json())
    else:
        sys.stdout.write(certificate.as_text())
    if not certificate.conforms:
        sys.exit(1)


def _write(spec: Spec, input_size: int, batch: int, form: Format) -> None:
    from googlenet.describe.render import as_html, as_json, as_markdown, as_text
    from googlenet.describe.table import compute_table

    table = compute_table(spec, input_size, batch)
    if form == "json":
        print_json(as_json(table))
    elif form == "html":
        sys.stdout.write(as_html(table, _drawings(spec, input_size)))
    else:
        sys.stdout.write(as_markdown(table) if form == "markdown" else as_text(table))


def _drawings(spec: Spec, input_size: int) -> tuple[str, ...]:
    from googlenet.describe.drawing.figures import draw_scene
    from googlenet.describe.drawing.svg import svg_text

    which: tuple[Drawing, ...] = ("network", "module", "aux") if spec.aux_heads else ("network", "module")
    return tuple(svg_text(draw_scene(spec, name, "3a", input_size)) for name in which)


def _draw(spec: Spec, draw: Drawing, module: str, input_size: int, out: Path) -> None:
    from googlenet.describe.drawing.figures import draw_scene, file_content
    from googlenet.saving import atomic_write

    atomic_write(out, [file_content(draw_scene(spec, draw, module, input_size), out)])
