"""``googlenet check``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from googlenet.cli.options import Json
from googlenet.cli.terminal import one_line, print_json, progress

if TYPE_CHECKING:
    from googlenet.doctor.findings import Diagnosis, Finding

_EXAMPLES = 3
_FOUND_SERIOUS = 1


def check(
    data: Path,
    /,
    *,
    only: tuple[str, ...] = (),
    as_json: Json = False,
) -> None:
    """Look for what is wrong with a folder of photographs. Nothing is changed.

    The exit code is 1 where anything is found that makes training or its figures wrong.

    Parameters
    ----------
    data
        a folder or a CSV as for train
    only
        a kind of finding, such as duplicate; may be repeated; docs/check.md lists them
    """
    from googlenet.doctor.diagnose import check as examine

    with progress("checking the images") as reading:
        diagnosis = examine(data, only=only, progress=reading)
    if as_json:
        print_json(diagnosis.as_json())
    else:
        _show(diagnosis)
    if diagnosis.serious:
        sys.stdout.flush()
        sys.exit(_FOUND_SERIOUS)


def _show(diagnosis: Diagnosis) -> None:
    print(f"{diagnosis.images} usable images of {len(diagnosis.classes)} classes in {one_line(str(diagnosis.source))}")
    for severity, words in (
        ("error", "Mend these before training"),
        ("warning", "Look at these"),
        ("notice", "Good to know"),
    ):
        if found := [finding for finding in diagnosis.findings if finding.severity == severity]:
            print(f"\n{words}")
            for finding in found:
                _show_finding(finding)
    if not diagnosis.findings:
        print("nothing to complain of")


def _show_finding(finding: Finding) -> None:
    from googlenet.doctor.findings import KINDS

    kind = KINDS[finding.kind]
    print(f"  {len(finding.items):>6}  {kind.title} ({finding.kind}): {kind.remedy}")
    for item in finding.items[:_EXAMPLES]:
        paths = ", ".join(one_line(path) for path in item.paths[:_EXAMPLES])
        more = f" and {len(item.paths) - _EXAMPLES} more" if len(item.paths) > _EXAMPLES else ""
        print(f"          {paths}{more}{': ' if paths else ''}{one_line(item.detail)}")
    if len(finding.items) > _EXAMPLES:
        print(f"          and {len(finding.items) - _EXAMPLES} more")
