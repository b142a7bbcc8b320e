"""``googlenet check``."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from googlenet.cli.options import Json
from googlenet.cli.terminal import one_line, print_json, progress, say, say_skipped
from googlenet.errors import SettingsError

if TYPE_CHECKING:
    from googlenet.data.examine import Progress
    from googlenet.doctor.diagnose import More
    from googlenet.doctor.findings import Diagnosis, Finding

_EXAMPLES = 3
_FOUND_SERIOUS = 1


def check(
    data: Path,
    /,
    *,
    model: Path | None = None,
    only: tuple[str, ...] = (),
    page: Path | None = None,
    quarantine: Path | None = None,
    undo: Path | None = None,
    as_json: Json = False,
) -> None:
    """Look for what is wrong with a folder of photographs. Without --quarantine nothing is changed.

    The exit code is 1 where anything is found that makes training or its figures wrong.

    Parameters
    ----------
    data
        a folder or a CSV as for train
    model
        look for doubtful labels too, by what this GoogLeNet sees; best one that was not trained on these labels
    only
        a kind of finding, such as duplicate; may be repeated; docs/check.md lists them
    page
        write an HTML file that shows the findings with their pictures
    quarantine
        move unreadable files, conflicts, leaks and duplicates (or what --only names) into this folder
    undo
        put everything in this folder back where it was
    """
    if undo is not None:
        _undo(undo, data, model=model, only=only, page=page, quarantine=quarantine, as_json=as_json)
        return
    if page is not None and not page.parent.is_dir():
        raise SettingsError(f"--page is {page}, but {page.parent} is no folder; make it first, or name another")
    from googlenet.doctor.diagnose import check as examine

    with progress("checking the images") as reading, progress("judging the labels") as judging:
        more = None if model is None else _doubtful_labels(model, judging)
        diagnosis = examine(data, only=only, progress=reading, more=more)
    if page is not None:
        from googlenet.doctor.page import write_page

        write_page(diagnosis, page, shlex.join(["googlenet", *sys.argv[1:]]))
        say(f"page: {page}")
    document = diagnosis.as_json()
    if quarantine is not None:
        document["moved"] = _move_aside(diagnosis, quarantine, only)
    if as_json:
        print_json(document)
    else:
        _show(diagnosis)
    if diagnosis.serious:
        sys.stdout.flush()
        sys.exit(_FOUND_SERIOUS)


def _doubtful_labels(model: Path, judging: Progress) -> More:
    from googlenet.engines import open_engine
    from googlenet.evaluation.doubtful import doubtful_labels
    from googlenet.weights.convert import open_model

    sealed = open_model(model)
    return partial(doubtful_labels, open_engine(sealed), sealed.preprocessing, progress=judging)


def _move_aside(diagnosis: Diagnosis, folder: Path, only: tuple[str, ...]) -> int:
    from googlenet.doctor.quarantine import quarantine

    moves = quarantine(diagnosis, folder, only)
    command = shlex.join(["googlenet", "check", str(diagnosis.source), "--undo", str(folder)])
    say(f"moved {len(moves)} files into {folder}; back with: {command}" if moves else "nothing to move aside")
    return len(moves)


def _undo(folder: Path, data: Path, *, as_json: bool, **others: object) -> None:
    for name, value in others.items():
        if value:
            raise SettingsError(f"--undo puts files back and does nothing else; give it without --{name}")
    from googlenet.doctor.quarantine import undo

    restored, left = undo(folder, data)
    say_skipped(left, len(restored))
    if as_json:
        print_json(
            {
                "restored": len(restored),
                "left": [{"path": str(part.path), "reason": part.reason} for part in left],
            }
        )
    else:
        print(f"put {len(restored)} files back")


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
