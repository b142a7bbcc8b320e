"""``googlenet verify``."""

from __future__ import annotations

import sys
from pathlib import Path

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, say


def verify(export: Path, /, *, as_json: Json = False) -> None:
    """Whether an export answers, on this machine, as its contract says. Exit code 1 where it does not.

    Parameters
    ----------
    export
        a folder that googlenet export wrote
    """
    from googlenet.export.contract import read_export
    from googlenet.export.verify import verify_export

    opened = read_export(export)
    verdict = verify_export(opened)
    if as_json:
        print_json(verdict.as_json())
    elif verdict.passed:
        print(f"{export}: right on {len(opened.contract.probes)} probes")
        say(
            f"logits differ by {verdict.logit_difference:.1e} of the largest, "
            f"{opened.contract.tolerance.logits:.0e} is allowed"
        )
    for fault in () if as_json else verdict.faults:
        print(f"{fault.stage}: {fault.words} ({', '.join(fault.probes)})")
    if not verdict.passed:
        sys.exit(1)
