from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep

import numpy as np
import pytest
from PIL import Image

from googlenet.data import examine as module
from googlenet.data.index import list_images, read_dataset
from googlenet.errors import DataError

MakeFolder = Callable[[Mapping[str, int]], Path]


@pytest.fixture
def photographs(make_folder: MakeFolder) -> Path:
    return make_folder({"cat": 4, "dog": 4})


def damage(root: Path) -> dict[str, str]:
    """Bad files among the good ones -> what their reason must say."""
    whole = root / "whole.jpg"
    Image.effect_noise((200, 200), 50).save(whole)
    (root / "cat" / "cut.jpg").write_bytes(whole.read_bytes()[:3000])
    whole.unlink()
    (root / "cat" / "empty.png").touch()
    (root / "dog" / "text.jpg").write_text("this is no picture")
    (root / "dog" / "bomb.gif").write_bytes(b"GIF89a\xe8\xfd\xe8\xfd\0\0\0,\0\0\0\0\xe8\xfd\xe8\xfd\0\x02\x02L\x01\0;")
    return {"cat/cut.jpg": "truncated", "cat/empty.png": "empty", "dog/text.jpg": "is not a", "dog/bomb.gif": "pixels"}


def test_bad_files_are_named_with_the_reason_and_good_ones_used(photographs: Path) -> None:
    expected = damage(photographs)
    dataset = read_dataset(photographs)
    found = {skipped.path.relative_to(photographs).as_posix(): skipped.reason for skipped in dataset.skipped}
    assert found.keys() == expected.keys()
    for path, reason in expected.items():
        assert reason in found[path]
        assert str(photographs) not in found[path]
        assert "\n" not in found[path]
    assert len(dataset) == len(dataset.labels) == len(dataset.ids) == 8
    assert not set(dataset.paths) & set(expected)


def test_a_good_extension_of_another_format_is_used(photographs: Path) -> None:
    shutil.move(photographs / "cat" / "0.png", photographs / "cat" / "0.jpg")
    assert read_dataset(photographs).skipped == ()


def test_an_unreadable_file_is_named_with_and_without_verifying(
    photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "2.png":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    for verify in (True, False):
        dataset = read_dataset(photographs, verify=verify)
        assert [skipped.path.name for skipped in dataset.skipped] == ["2.png", "2.png"]
        assert "cannot be read (Permission denied)" in dataset.skipped[0].reason


def test_all_bad_is_refused(photographs: Path) -> None:
    for path in photographs.rglob("*.png"):
        path.write_text("no picture")
    with pytest.raises(DataError, match=r"none of its 8 images can be used; the first is .*0\.png: is not a JPEG"):
        read_dataset(photographs)


def test_without_verifying_nothing_is_decoded(photographs: Path) -> None:
    damage(photographs)
    assert read_dataset(photographs, verify=False).skipped == ()


def test_progress_ends_at_the_total(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 3)
    seen: list[tuple[int, int]] = []
    read_dataset(photographs, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 8), (6, 8), (8, 8)]


def test_processes_tell_what_threads_tell(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(photographs)
    monkeypatch.setattr(module, "_CHUNK", 3)
    one, other = list_images(photographs), list_images(photographs)
    by_threads = module.examine(one, verify=True)
    monkeypatch.setattr(module, "_MANY", 2)
    here = os.getpid()
    look = module._look
    monkeypatch.setattr(
        module, "_look", lambda *given, **named: look(*given, **named) if os.getpid() != here else 1 / 0
    )
    by_processes = module.examine(other, verify=True)
    assert (one.paths, one.skipped) == (other.paths, other.skipped)
    for name, values in vars(by_threads).items():
        assert np.array_equal(values, getattr(by_processes, name)), name


def test_a_process_that_is_ended_from_outside_is_said(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MANY", 2)
    monkeypatch.setattr(module, "_look", lambda paths, verify: os._exit(9))
    with pytest.raises(DataError, match=r"was ended from outside.*LOKY_MAX_CPU_COUNT=1"):
        module.examine(list_images(photographs), verify=True)


def test_a_script_without_a_main_guard_runs_once(photographs: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; from pathlib import Path; from googlenet.data import examine; examine._MANY = 2\n"
        "from googlenet.data.index import read_dataset\n"
        "print(len(read_dataset(Path(sys.argv[1]))))\n"
    )
    done = subprocess.run([sys.executable, script, photographs], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("8\n", "")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="this system does not show its processes in /proc")
def test_processes_end_when_their_caller_is_killed() -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from googlenet.data import examine\n"
        "kept = examine._processes(Path('.')); processes = kept.__enter__()\n"
        "print(*{processes.submit(os.getpid).result() for _ in range(50)}, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    pids = [int(word) for word in done.stdout.split()]
    assert pids, done.stderr
    for _ in range(300):
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return
        sleep(0.1)
    pytest.fail("they are still there after half a minute")
