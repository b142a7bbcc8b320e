"""``googlenet replay``."""

from __future__ import annotations

import sys
from math import isinf
from pathlib import Path

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, progress, say


def replay(run: Path, data: Path, /, *, out: Path, as_json: Json = False) -> None:
    """Repeat a finished training from its record: are the images, the environment and the weights the same?

    Exit code 0 where the weights are, to the bit; 1 where they are not.

    Parameters
    ----------
    run
        the folder of a run that googlenet train finished
    data
        what it was trained on
    out
        a new folder for the repetition
    """
    from googlenet.replay import replay as repeat

    with progress("checking the images") as reading:
        found = repeat(run, data, out, reading=reading, say=say)
    if as_json:
        print_json(found.as_json())
    else:
        for name, lines in (("images", found.data), ("environment", found.environment)):
            print(f"{name}: {'; '.join(lines) or 'the same'}")
        print(
            f"weights: the same to the bit, {found.tensors} tensors"
            if found.same
            else "weights: of another network"
            if isinf(found.difference)
            else f"weights: {found.changed} of {found.tensors} tensors differ, by {found.difference:.1e} at most"
        )
    sys.stdout.flush()
    if not found.same:
        sys.exit(1)
