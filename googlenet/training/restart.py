"""Whose a run folder is: torchrun starts all processes anew when one is lost, and the run then goes on by itself."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from googlenet.saving import atomic_write

_FILE = "torchrun.txt"


def sign(folder: Path) -> None:
    """Write down which torchrun began the run; nothing where none did."""
    if name := _name_of_torchrun():
        atomic_write(folder / _FILE, [name.encode()])


def is_ours(folder: Path) -> bool:
    """Whether the torchrun that started this process began the run in ``folder``, before it had to start again."""
    try:
        return (folder / _FILE).read_text(encoding="utf-8") == _name_of_torchrun()
    except (OSError, UnicodeDecodeError):
        return False


def _name_of_torchrun() -> str | None:
    """Its --rdzv-id, which is the job's on all machines; without one, the process that it is.

    The count of restarts alone would not do: it stays 0 when machines come or go, and is above 0 too where a folder of
    somebody else's was refused the first time.
    """
    name = os.environ.get("TORCHELASTIC_RUN_ID")
    return f"{socket.gethostname()} {os.getppid()} {_start_of(os.getppid())}" if name == "none" else name


def _start_of(process: int) -> str:
    """When a process began, in ticks since the machine did; empty where the system (other than Linux) does not tell."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rsplit(")")[-1].split()[19]
    except OSError:
        return ""
