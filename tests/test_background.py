from __future__ import annotations

import subprocess
import sys

import pytest

from googlenet.background import Background


def test_its_result_and_its_error_come_when_asked_for() -> None:
    assert Background(lambda: 6 * 7).result() == 42
    with pytest.raises(ZeroDivisionError):
        Background(lambda: 1 // 0).result()


def test_the_interpreter_waits_for_a_call_that_nobody_asked_about() -> None:
    script = (
        "import sys, time; from googlenet.background import Background\n"
        "Background(lambda: (time.sleep(0.5), print('done', flush=True)))\n"
        "sys.exit(2)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (2, "done\n", "")
