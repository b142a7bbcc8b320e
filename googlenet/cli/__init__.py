"""The command line: one module per verb, which parses, calls one function of the package and shows the result.

Results go to standard output; progress and messages to standard error. Exit codes: 0 done, 2 a mistake that the user
can mend (one line says which), 130 interrupted.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from time import sleep
from typing import NoReturn

# pydantic looks for plugins among all the installed packages: 40 ms before each answer, and there are none for us.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from cyclopts import App, CycloptsError

from googlenet import __version__
from googlenet.cli.terminal import accept_any_path, say_error
from googlenet.errors import GoogLeNetError

VERBS = (
    "demo",
    "check",
    "pack",
    "train",
    "replay",
    "evaluate",
    "calibrate",
    "compare",
    "predict",
    "explain",
    "explore",
    "describe",
    "convert",
    "twins",
    "export",
    "verify",
    "benchmark",
    "push",
)
"""As ``googlenet --help`` lists them: from photographs to a model, its answers, the network itself, other programs."""

app = App(
    name="googlenet",
    help="From a folder of photographs to a measured, sealed image classifier.",
    version=__version__,
    help_format="plaintext",
)
for place, verb in enumerate(VERBS):
    app.command(f"googlenet.cli.{verb}:{verb}", name=verb, sort_key=place)  # imported only when it is asked for


_FOR_THE_FIRST = 30.0  # seconds that torchrun's other processes leave it to speak


def main() -> None:
    """Run the command of ``sys.argv``."""
    gc.set_threshold(200_000)  # the verbs import thousands of things that are no garbage
    atexit.register(gc.freeze)  # or the interpreter searches all that was imported for garbage as it ends: 50 ms
    accept_any_path()
    if sys.argv[1:2] in ([], ["--help"], ["-h"]):
        for verb in VERBS:
            app[verb]  # imports it, for its line in the list
    try:
        app(sys.argv[1:], print_error=False, exit_on_error=False, result_action="return_none")
        sys.stdout.flush()
    except CycloptsError as error:
        _fail(f"{error}".strip() + "; see: googlenet --help")
    except GoogLeNetError as error:
        _fail(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains as it ends
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}; check the path, its permissions, the disk")
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(message: str) -> NoReturn:
    if "TORCHELASTIC_RUN_ID" in os.environ and os.environ["LOCAL_RANK"] != "0":
        # torchrun's processes on one machine make the same mistake and the first says it; when it has ended, torchrun
        # ends the others. One that ended before would silence it.
        sleep(_FOR_THE_FIRST)
    say_error(message)
    sys.exit(2)
