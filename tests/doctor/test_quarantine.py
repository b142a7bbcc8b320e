"""Moved aside and put back: every byte, whatever happens on the way."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from googlenet.doctor import quarantine as module
from googlenet.doctor.diagnose import check
from googlenet.doctor.quarantine import quarantine, undo
from googlenet.errors import DataError, SettingsError
from tests.doctor.planted import FAULTS, TIMES, clean

Contents = dict[str, bytes]


def contents(folder: Path) -> Contents:
    return {os.path.relpath(path, folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = clean(tmp_path / "数据", per_class=10)
    for fault in ("cut short", "tiny"):
        FAULTS[fault][1](root)
    copied = sorted((root / "plain").glob("图*.jpg"))[0]
    (root / "plain" / "kopie \udcff 🌷.jpg").write_bytes(copied.read_bytes())  # no valid UTF-8 in its name
    return root


@pytest.fixture
def away(tmp_path: Path) -> Path:
    return tmp_path / "aside"


def test_only_the_certain_is_moved_and_all_comes_back(data: Path, away: Path) -> None:
    before = contents(data)
    moves = quarantine(check(data), away)
    assert len(moves) == TIMES + 1
    assert {move.kind for move in moves} == {"unreadable", "duplicate"}
    after = contents(data)
    assert check(data).counts() == {"tiny": TIMES}
    gone = {path: content for path, content in before.items() if path not in after}
    assert {move.source: (away / move.target).read_bytes() for move in moves} == gone
    restored, left = undo(away, data)
    assert (len(restored), left) == (TIMES + 1, [])
    assert contents(data) == before
    assert not away.exists()


def test_other_kinds_when_asked_for_and_twice_into_one_folder(data: Path, away: Path) -> None:
    before = contents(data)
    assert len(quarantine(check(data), away, ["tiny"])) == TIMES
    assert len(quarantine(check(data), away)) == TIMES + 1
    assert check(data).counts() == {}
    assert quarantine(check(data), away) == []
    assert len(undo(away, data)[0]) == 2 * TIMES + 1
    assert contents(data) == before


class Crash(BaseException):
    pass


@pytest.mark.parametrize("across", [False, True], ids=["one file system", "another file system"])
@pytest.mark.parametrize("step", [0, 1, 7, 20, 45])
def test_a_crash_anywhere_loses_nothing(
    step: int, across: bool, data: Path, away: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(data)
    calls = 0

    def tick(call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*words: object, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls > step:
                raise Crash
            return call(*words, **options)

        return wrapped

    rename, copy, unlink = Path.rename, module.shutil.copy2, Path.unlink

    def rename_here(path: Path, target: Path) -> object:
        if across and ("aside" in path.parts) != ("aside" in target.parts):
            raise OSError(errno.EXDEV, "another file system")
        return rename(path, target)

    diagnosis = check(data)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", tick(rename_here))
        patch.setattr(module.shutil, "copy2", tick(copy))
        patch.setattr(Path, "unlink", tick(unlink))
        with suppress(Crash):
            quarantine(diagnosis, away)
        everything = {**contents(away), **contents(data)}
        assert set(before.values()) <= set(everything.values())
        calls = 0
        with suppress(Crash):
            undo(away, data)
        assert set(before.values()) <= set({**contents(away), **contents(data)}.values())
    if away.exists():
        undo(away, data)
    assert contents(data) == before


def test_nothing_is_overwritten(data: Path, away: Path) -> None:
    before = contents(data)
    moves = quarantine(check(data), away)
    (data / moves[0].source).write_bytes(b"new")
    restored, left = undo(away, data)
    assert len(restored) == len(moves) - 1
    assert [part.path for part in left] == [away / moves[0].target]
    assert "another file lies at" in left[0].reason
    (data / moves[0].source).unlink()
    assert len(undo(away, data)[0]) == 1
    assert contents(data) == before


def test_a_file_that_cannot_be_moved(data: Path, away: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, diagnosis, rename = contents(data), check(data), Path.rename
    moved = 0

    def refuse(path: Path, target: Path) -> None:
        nonlocal moved
        moved += 1
        if moved > 3:
            raise PermissionError(errno.EACCES, "Permission denied")
        rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(DataError, match=r"cannot be moved to .* \(Permission denied\)"):
            quarantine(diagnosis, away)
    assert len(undo(away, data)[0]) == 3
    assert contents(data) == before


def test_folders_that_cannot_be(data: Path, away: Path, tmp_path: Path) -> None:
    diagnosis = check(data)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for folder, message in (
        (data / "aside", "must lie outside the data"),
        (data, "must lie outside the data"),
        (tmp_path, "must lie outside the data"),
        (tmp_path / "full", "is no quarantine"),
    ):
        with pytest.raises(SettingsError, match=message):
            quarantine(diagnosis, folder)
    with pytest.raises(SettingsError, match=r"has no manifest\.json"):
        undo(tmp_path / "full", data)
    quarantine(diagnosis, away)
    with pytest.raises(SettingsError, match="came from"):
        undo(away, tmp_path / "full")
    other = clean(tmp_path / "other", per_class=1)
    with pytest.raises(SettingsError, match="which holds files of"):
        quarantine(check(other), away)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../secret", "a/../../b", ""])
def test_a_manifest_cannot_lead_elsewhere(path: str, data: Path, away: Path) -> None:
    quarantine(check(data), away)
    manifest = json.loads((away / "manifest.json").read_text())
    manifest["moves"][0]["source"] = path
    (away / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SettingsError, match="is no manifest"):
        undo(away, data)
