"""``googlenet explore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, progress, say


def explore(
    model: Path,
    images: Annotated[tuple[Path, ...], Parameter(negative="")] = (),
    /,
    *,
    out: Path = Path("explorer.html"),
    lang: Literal["en", "zh"] = "en",
    as_json: Json = False,
) -> None:
    """Look into a network: one HTML page with every layer, number and feature map, to open in any browser.

    Parameters
    ----------
    model
        a sealed model or a checkpoint that googlenet convert reads
    images
        photographs to look at through it; without any the page shows the network alone
    out
        the .html file to write
    lang
        the language that the page speaks first; it can be switched in the page
    """
    from googlenet.explorer.explore import explore as write
    from googlenet.weights.convert import open_model

    with progress("looking") as show:
        size = write(open_model(model), images, out, language=lang, progress=show)
    if as_json:
        print_json({"page": str(out), "bytes": size, "images": [str(image) for image in images]})
    else:
        say(f"explorer: {out} ({size / 1e6:.1f} MB); open it in a browser")
