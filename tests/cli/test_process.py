"""The command line in a process of its own: what only a real terminal, pipe or signal can show."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from googlenet.cli import VERBS
from tests.cli.conftest import write_photo

COMMAND = [sys.executable, "-m", "googlenet"]


def test_ctrl_c_ends_quietly_with_130(model: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "predict", model, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    # Waits for the list; it reads nothing before the model is open, so that a full pipe shows that it is reading.
    process.stdin.write(b"nowhere.png\n" * 20_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert out == b""


def test_a_reader_that_leaves_early_is_no_error(model: Path, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "x.png")
    words = [*COMMAND, "predict", model, *[photo] * 500, "--csv"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
@pytest.mark.parametrize("listed", [False, True])
def test_a_file_name_that_is_no_text(model: Path, tmp_path: Path, listed: bool) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    Path(os.fsdecode(path)).write_bytes(write_photo(tmp_path / "x.png").read_bytes())
    words = [b"-"] if listed else [path]
    result = subprocess.run([*COMMAND, "predict", model, *words, "--json"], input=path + b"\n", capture_output=True)
    assert result.returncode == 0, result.stderr
    (entry,) = json.loads(result.stdout)
    assert os.fsencode(entry["path"]) == path


def test_a_file_name_cannot_command_the_terminal(model: Path, tmp_path: Path) -> None:
    bad = tmp_path / "\x1b[2J\nerror: no.png"
    bad.write_text("no picture")
    result = subprocess.run(
        [*COMMAND, "predict", model, write_photo(tmp_path / "x.png"), bad], capture_output=True, check=True
    )
    assert b"\x1b" not in result.stdout + result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_zero_bytes_in_the_list(model: Path) -> None:
    result = subprocess.run([*COMMAND, "predict", model, "-"], input=b"a.png\0b.png\0", capture_output=True)
    assert result.returncode == 2
    assert result.stderr.startswith(b"error: standard input: holds zero bytes")


def test_one_answer_comes_soon(model: Path, tmp_path: Path) -> None:
    """A bound that only a forgotten heavy import breaks: benchmarks/cold_start.py has the real figures."""
    photo = write_photo(tmp_path / "x.png")
    subprocess.run([*COMMAND, "predict", model, photo, "--json"], capture_output=True, check=True)
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "googlenet", "predict", model, photo, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {
        line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if line.startswith("import time")
    }
    late = {"rich", "jinja2", "matplotlib", "natsort", "onnx", "concurrent.futures.thread"}
    assert "onnxruntime" in imported
    assert not imported & late


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_says_of_each_verb_what_it_does(words: list[str]) -> None:
    text = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=True).stdout
    lines = [line.strip("│ ").split(maxsplit=1) for line in text.splitlines() if line.startswith("│ ")]
    described = [line[0] for line in lines if line[0] in VERBS and len(line) == 2]
    assert described == list(VERBS)
