"""Files that are whole at every instant: the old one or the new one, never a part."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from googlenet.errors import ModelFileError


def cache_folder() -> Path | None:
    """Where this user's programs keep what they can find out again: XDG's folder on Linux.

    ``GOOGLENET_CACHE`` names another, or is «off»: None.
    """
    if (given := os.environ.get("GOOGLENET_CACHE")) == "off":
        return None
    if given:
        return Path(given)
    if folder := os.environ.get("XDG_CACHE_HOME"):
        return Path(folder) / "googlenet"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "googlenet"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "googlenet"


def atomic_write(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write ``chunks`` as the file ``path``: beside it, fsync, rename over it, fsync the folder.

    Whatever goes wrong, power included, ``path`` is what it was or what it is to be, and an exception leaves no partial
    file behind. A symbolic link is followed, not replaced. Raises ``ModelFileError`` when the system refuses: a full
    disk, a missing folder, no permission.
    """
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".{target.name}.{os.urandom(4).hex()}.partial")
    try:
        try:
            _write_through(partial, chunks)
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
    except OSError as error:
        kept = "; the file of that name is untouched" if target.exists() else ""
        raise ModelFileError(
            f"{path}: cannot be saved ({error.strerror or error}){kept}; "
            "free some space or give a path in an existing folder that you may write to"
        ) from error


def _write_through(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    with path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows opens no folders; its renames are journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
