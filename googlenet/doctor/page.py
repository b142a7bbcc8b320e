"""A diagnosis as one HTML file with the pictures in question: opens from disk, asks for nothing, runs no script."""

from __future__ import annotations

import base64
import io
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from googlenet.data.decode import decode
from googlenet.doctor.findings import KINDS, Diagnosis, Finding, Item
from googlenet.errors import ImageError
from googlenet.saving import atomic_write

_MOST_ITEMS = 24
_MOST_PICTURES = 4  # of one item
_THUMBNAIL = 160  # pixels
_NO_PICTURE = {"unreadable", "hidden", "left-out"}
_HEADINGS = {
    "error": ("Mend these before training", "Training would fail, learn something wrong, or be judged wrongly."),
    "warning": ("Look at these", "They may be right; see for yourself."),
    "notice": ("Good to know", "Nothing needs to be done here; other programs may stumble over it."),
}


def write_page(diagnosis: Diagnosis, path: Path, command: str) -> None:
    """Write the page to ``path``; ``command`` is what repeats it. Raises ``ModelFileError`` where that fails."""
    # Autoescape: a class or a file may be called <script>.
    environment = Environment(loader=PackageLoader("googlenet.doctor"), autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("check.html.j2").render(
        diagnosis=diagnosis,
        sections=[_section(diagnosis, severity) for severity in _HEADINGS],
        largest=max(diagnosis.classes.values(), default=0) or 1,
        totals=diagnosis.severities(),
        command=command,
        version=version("googlenet"),
    )
    atomic_write(path, [page.encode("utf-8", "backslashreplace")])


def _section(diagnosis: Diagnosis, severity: str) -> dict[str, Any]:
    title, words = _HEADINGS[severity]
    findings = [_finding(diagnosis.root, part) for part in diagnosis.findings if part.severity == severity]
    return {"severity": severity, "title": title, "words": words, "findings": findings}


def _finding(root: Path, finding: Finding) -> dict[str, Any]:
    kind = KINDS[finding.kind]
    shown = finding.kind not in _NO_PICTURE
    return {
        "kind": finding.kind,
        "title": kind.title,
        "remedy": kind.remedy,
        "count": len(finding.items),
        "items": [_item(root, item, shown=shown) for item in finding.items[:_MOST_ITEMS]],
        "more": max(0, len(finding.items) - _MOST_ITEMS),
    }


def _item(root: Path, item: Item, *, shown: bool) -> dict[str, Any]:
    pictures = [(path, _thumbnail(root / path) if shown else "") for path in item.paths[:_MOST_PICTURES]]
    return {"detail": item.detail, "pictures": pictures, "more": max(0, len(item.paths) - _MOST_PICTURES)}


def _thumbnail(path: Path) -> str:
    """The picture, small, as a data URI; empty where there is none to show."""
    try:
        image = decode(path, draft_size=_THUMBNAIL)
    except ImageError:
        return ""
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=78)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
