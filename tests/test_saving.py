"""Files are the old one or the new one, whatever happens while they are written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from googlenet.errors import ModelFileError
from googlenet.saving import atomic_write


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    atomic_write(path, [b"old"])
    atomic_write(path, [b"ne", memoryview(b"w")])
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_readable_by_whom_the_umask_allows(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain", tmp_path / "a.bin"
    plain.write_bytes(b"")
    atomic_write(path, [b"x"])
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    atomic_write(tmp_path / "link", [b"x"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"x"


@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_no_partial_one(tmp_path: Path, problem: BaseException) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def chunks() -> Iterator[bytes]:
        yield b"half"
        assert len(list(tmp_path.iterdir())) == 2  # beside it, not over it
        raise problem

    expected = ModelFileError if isinstance(problem, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        atomic_write(path, chunks())
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]
    if isinstance(problem, OSError):
        assert "No space left on device" in str(caught.value)
        assert "a.bin" in str(caught.value)


def test_the_file_is_synced_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        events.append("folder" if Path(f"/proc/self/fd/{descriptor}").resolve() == tmp_path.resolve() else "file")
        fsync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        events.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    atomic_write(tmp_path / "a.bin", [b"x"])
    if Path("/proc/self/fd").exists():
        assert events == ["file", "rename", "folder"]


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"a\.bin: cannot be saved \(No such file or directory\)"):
        atomic_write(tmp_path / "nowhere" / "a.bin", [b"x"])
