"""Bad files moved aside, and put back. Nothing is deleted, and a crash at any instant loses nothing.

The manifest names every move before the first one is made. Whether a move was made is seen from where the file lies.
"""

from __future__ import annotations

import errno
import filecmp
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from googlenet.data.listing import Skipped
from googlenet.data.shards import is_packed
from googlenet.doctor.findings import Diagnosis
from googlenet.errors import DataError, SettingsError
from googlenet.saving import atomic_write

CERTAIN = ("unreadable", "conflict", "leak", "duplicate")
"""The kinds that are moved unless others are asked for: no look is needed to be sure of them."""

_MANIFEST = "manifest.json"


class Move(BaseModel):
    """One file: where it lay in the data, where it lies in the quarantine, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    target: str
    kind: str
    detail: str

    @field_validator("source", "target")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        if (
            PurePosixPath(path).is_absolute()
            or Path(path).is_absolute()
            or ".." in PurePosixPath(path).parts
            or not path
        ):
            raise ValueError(f"{path!r} leads out of its folder")
        return path


class Manifest(BaseModel):
    """All moves into one quarantine folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    root: str
    moves: tuple[Move, ...]


def quarantine(diagnosis: Diagnosis, folder: Path, kinds: Collection[str] = ()) -> list[Move]:
    """Move the bad files of ``diagnosis`` from its folder into ``folder``, a sub-folder per kind; returns the moves.

    ``kinds``: of findings, ``CERTAIN`` by default. Of copies, the first one stays. ``folder`` may be new or an earlier
    quarantine of the same data, on any file system. Raises ``SettingsError`` for a folder that cannot be, ``DataError``
    when a file cannot be moved; what was moved by then is in the manifest.
    """
    root = diagnosis.root
    _check_folder(diagnosis, folder)
    earlier = _read(folder).moves if (folder / _MANIFEST).exists() else ()
    moves = list(_plan(diagnosis, folder, kinds or CERTAIN))
    if moves:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, Manifest(root=os.path.realpath(root), moves=_distinct([*earlier, *moves])))
        for move in moves:
            _move(root / move.source, folder / move.target)
    return moves


def undo(folder: Path, root: Path) -> tuple[list[Move], list[Skipped]]:
    """Put everything in the quarantine ``folder`` back below ``root``; returns what was restored and what was not.

    A file whose old place is taken stays, and is named. Raises ``SettingsError`` where ``folder`` is no quarantine of
    ``root``, ``DataError`` when a file cannot be moved; calling it again goes on.
    """
    manifest = _read(folder)
    if os.path.realpath(root) != manifest.root and Path(manifest.root).exists():
        raise SettingsError(
            f"--undo is {folder}, whose files came from {manifest.root}, not from {root}; give that one"
        )
    restored, left = [], []
    for move in manifest.moves:
        here, there = folder / move.target, root / move.source
        if not os.path.lexists(here):
            continue  # never moved, or restored before a crash
        if not os.path.lexists(there):
            _move(here, there)
        elif _same(here, there):
            here.unlink()  # the crash came between the copy to another file system and the removal of the original
        else:
            left.append(Skipped(here, f"stays: another file lies at {there}; move one of them"))
            continue
        restored.append(move)
    _tidy(folder, manifest, {os.fspath(part.path) for part in left})
    return restored, left


def _check_folder(diagnosis: Diagnosis, folder: Path) -> None:
    if not diagnosis.source.is_dir():
        raise SettingsError(f"--quarantine moves files of a folder, but {diagnosis.source} is a list; remove its rows")
    if is_packed(diagnosis.source):
        raise SettingsError(
            f"--quarantine moves files of a folder, but {diagnosis.source} is packed; clean its folder, then pack anew"
        )
    root, target = Path(os.path.realpath(diagnosis.root)), Path(os.path.realpath(folder))
    if target.is_relative_to(root) or root.is_relative_to(target):
        raise SettingsError(f"--quarantine is {folder}, but must lie outside the data {diagnosis.root}; give another")
    if folder.exists() and not (folder / _MANIFEST).exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"--quarantine is {folder}, which exists and is no quarantine; give a new folder")
    if (folder / _MANIFEST).exists() and (earlier := _read(folder).root) != str(root):
        raise SettingsError(f"--quarantine is {folder}, which holds files of {earlier}; give another folder")


def _plan(diagnosis: Diagnosis, folder: Path, kinds: Collection[str]) -> Iterator[Move]:
    seen: set[str] = set()
    for finding in diagnosis.findings:
        for item in finding.items if finding.kind in kinds else ():
            for path in item.movable:
                if path in seen:
                    continue
                seen.add(path)
                target = PurePosixPath(finding.kind, PurePosixPath(path))
                number = 1
                while os.path.lexists(folder / target):  # an earlier file of that name
                    number += 1
                    target = PurePosixPath(finding.kind, PurePosixPath(path).with_stem(f"{Path(path).stem} ({number})"))
                yield Move(source=path, target=str(target), kind=finding.kind, detail=item.detail)


def _distinct(moves: Iterable[Move]) -> tuple[Move, ...]:
    """The last one of each target: a planned move that a crash prevented is planned again."""
    return tuple({move.target: move for move in moves}.values())


def _move(source: Path, target: Path) -> None:
    """Rename, or on another file system copy, fsync and remove; never over an existing file."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "a file of that name has appeared there")
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _move_across(source, target)
    except OSError as error:
        raise DataError(
            f"{source}: cannot be moved to {target} ({error.strerror or error}); mend that and repeat; "
            "what was moved before is in the manifest and can be undone"
        ) from error


def _move_across(source: Path, target: Path) -> None:
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    shutil.copy2(source, partial, follow_symlinks=False)
    if not partial.is_symlink():
        with partial.open("rb") as file:
            os.fsync(file.fileno())
    partial.rename(target)
    source.unlink()


def _same(first: Path, second: Path) -> bool:
    if first.is_symlink() or second.is_symlink():
        return first.is_symlink() and second.is_symlink() and first.readlink() == second.readlink()
    return filecmp.cmp(first, second, shallow=False)


def _read(folder: Path) -> Manifest:
    path = folder / _MANIFEST
    try:
        # Not pydantic's own reader of JSON: it refuses file names that are no valid UTF-8.
        return Manifest.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise SettingsError(f"{folder}: is no quarantine, for it has no {_MANIFEST}; give the folder of one") from None
    except (OSError, ValueError, ValidationError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{path}: is no manifest of a quarantine ({reason}); move the files by hand") from error


def _write(folder: Path, manifest: Manifest) -> None:
    atomic_write(folder / _MANIFEST, [json.dumps(manifest.model_dump(mode="python"), indent=1).encode()])


def _tidy(folder: Path, manifest: Manifest, left: Collection[str]) -> None:
    """Forget what is back, and remove the folders that are empty now."""
    rest = tuple(move for move in manifest.moves if os.fspath(folder / move.target) in left)
    if rest:
        _write(folder, Manifest(root=manifest.root, moves=rest))
        return
    (folder / _MANIFEST).unlink()
    for place, _, _ in os.walk(folder, topdown=False):
        if not any(Path(place).iterdir()):
            Path(place).rmdir()
