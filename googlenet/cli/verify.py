"""``googlenet verify``."""

from __future__ import annotations

import sys
from pathlib import Path

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, say


def verify(export: Path, /, *, trace: Path | None = None, as_json: Json = False) -> None:
    """Whether an export answers, on this machine, as its contract says. Exit code 1 where anything is wrong.

    Parameters
    ----------
    export
        a folder that googlenet export wrote
    trace
        what another program made of the golden images (JSON or .npz, see docs/export.md): the step at which it leaves
        the contract is named, and what it does there instead
    """
    from googlenet.export.contract import read_export
    from googlenet.export.diagnosis import diagnose
    from googlenet.export.trace import read_trace
    from googlenet.export.verify import verify_export

    opened = read_export(export)
    verdict = verify_export(opened) if trace is None else diagnose(opened, read_trace(trace, opened.contract))
    if as_json:
        print_json(verdict.as_json())
    elif verdict.passed:
        print(f"{trace or export}: right on {max(verdict.checked.values())} of {len(opened.contract.probes)} probes")
    for fault in () if as_json else verdict.faults:
        print(f"{fault.stage}: {fault.words}" + (f" ({', '.join(fault.probes)})" if fault.probes else ""))
    if not as_json:
        if absent := [stage for stage, count in verdict.checked.items() if not count]:
            say(f"not looked at: {', '.join(absent)}")
        if verdict.logit_difference is not None:
            say(f"logits differ by {verdict.logit_difference:.1e} of the largest")
    if not verdict.passed:
        sys.exit(1)
