"""What lies in the folders beside the images that are used: hidden things, and images that their names keep out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from googlenet.data.decode import EXTENSIONS
from googlenet.data.folders import is_hidden
from googlenet.doctor.files import Case
from googlenet.doctor.findings import Item

_OTHER_IMAGES = (".heic", ".heif", ".avif", ".jxl", ".jp2", ".psd", ".svg", ".ico", ".tga", ".ppm", ".pgm", ".jfif",
                 ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2")  # fmt: skip
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")


def stray_cases(root: Path) -> Iterator[Case]:
    """Walk the folders below ``root``; links are not followed."""
    for folder, names, files in os.walk(root):
        place = os.path.relpath(folder, root)
        for name in sorted(files):
            path = os.path.normpath(Path(place, name))
            if is_hidden(name):
                yield "hidden", Item("is hidden", (path,))
            elif not name.lower().endswith(EXTENSIONS) and (reason := _image_by(Path(folder, name))):
                yield "left-out", Item(reason, (path,))
        for name in sorted(filter(is_hidden, names)):
            inside = sum(len(files) for _, _, files in os.walk(Path(folder, name)))
            yield "hidden", Item(f"is a hidden folder of {inside} files", (os.path.normpath(Path(place, name)),))
        names[:] = sorted(name for name in names if not is_hidden(name))


def _image_by(path: Path) -> str:
    """Why a file whose ending is none that we read is an image all the same; empty where it is not."""
    if path.name.lower().endswith(_OTHER_IMAGES):
        return f"is an image of a kind that is not read ({path.suffix.lower()}); convert it to JPEG or PNG"
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:
        return ""  # not an image's name and not readable: no image was lost that we know of
    if start.startswith(_MAGIC) or (start[:4] == b"RIFF" and start[8:] == b"WEBP"):
        return "is an image by its content, but its ending is none of an image"
    return ""
