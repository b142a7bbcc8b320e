"""``googlenet check`` as a person and a program see it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from googlenet.cli import main
from tests.doctor.planted import FAULTS, TIMES, clean

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["googlenet", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return clean(tmp_path / "data", per_class=10)


def test_a_sound_folder(run: Run, data: Path) -> None:
    code, out, err = run("check", data)
    assert (code, err) == (0, "")
    assert "50 usable images of 5 classes" in out
    assert "nothing to complain of" in out


def test_the_table_and_the_document_say_the_same(run: Run, data: Path) -> None:
    for fault in ("no image", "EXIF turn", "tiny"):
        FAULTS[fault][1](data)
    code, out, _ = run("check", data)
    assert code == 1
    assert out.index("(unreadable)") < out.index("(tiny)") < out.index("(turned)")
    assert f"and {TIMES - 3} more" in out
    code, out, _ = run("check", data, "--json")
    document = json.loads(out)
    assert code == 1
    assert document["serious"] is True
    assert [(entry["kind"], entry["severity"], entry["count"]) for entry in document["findings"]] == [
        ("unreadable", "error", TIMES),
        ("tiny", "warning", TIMES),
        ("turned", "notice", TIMES),
    ]
    assert all(len(entry["items"]) == TIMES for entry in document["findings"])
    assert run("check", data, "--only", "tiny")[0] == 0


def test_a_name_cannot_command_the_terminal(run: Run, data: Path) -> None:
    (data / "plain" / "\x1b[2J\nerror: all is lost.jpg").write_text("no picture")
    out = run("check", data)[1]
    assert "\x1b" not in out
    assert "\nerror: all is lost" not in out


def test_mistakes(run: Run, data: Path, tmp_path: Path) -> None:
    for words, message in (
        ((tmp_path / "nowhere",), "does not exist"),
        ((data, "--only", "dupes"), "--only is 'dupes'; known are: unreadable"),
    ):
        code, out, err = run("check", *words)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert message in err
        assert len(err.splitlines()) == 1
