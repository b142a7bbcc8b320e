"""Read every listed file once: what it is, and whether it is an image that can be used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from time import sleep

from googlenet.data.decode import read_bytes
from googlenet.data.listing import Listing, Skipped
from googlenet.data.look import Looks, content_id, look_at
from googlenet.errors import DataError, ImageError

Progress = Callable[[int, int], None]
"""Called with (files done, files in all) every now and then, in the caller's thread."""

_CHUNK = 64
_MANY = 2000
"""Files from which on processes, which take a fourth of a second to start, replace threads, which wait for the
interpreter's lock: an estimate."""


def examine(listing: Listing, *, verify: bool, progress: Progress | None = None) -> Looks:
    """Look at every listed image; those that cannot be used move from the listing to its ``skipped``.

    Without ``verify`` the files are read but not decoded, and the looks hold the ids only. Hash and decode share one
    read of the file. Uses all cores. Raises ``DataError`` where a process that decodes is ended from outside.
    """
    total = len(listing.paths)
    looks = Looks.empty(total)
    bad: dict[int, str] = {}
    spans = [range(first, min(first + _CHUNK, total)) for first in range(0, total, _CHUNK)]
    chunks = [[listing.root / listing.paths[i] for i in span] for span in spans]
    with _pool(many=verify and total >= _MANY, root=listing.root) as pool:
        for span, (found, reasons) in zip(spans, pool.map(partial(_look, verify=verify), chunks), strict=True):
            looks.put_all(span.start, found)
            bad.update((span.start + i, reason) for i, reason in reasons.items())
            if progress is not None:
                progress(span.stop, total)
    if not bad:
        return looks
    listing.skipped += [Skipped(listing.root / listing.paths[i], bad[i]) for i in sorted(bad)]
    good = [i for i in range(total) if i not in bad]
    listing.keep(good)
    return looks.keep(good)


def _pool(*, many: bool, root: Path) -> AbstractContextManager[Executor]:
    """Threads, or processes where there are many files."""
    return _processes(root) if many else ThreadPoolExecutor(os.cpu_count())


@contextmanager
def _processes(root: Path) -> Iterator[Executor]:
    """One process per core; they begin anew and never run the script that calls, guarded or not."""
    import loky  # a tenth of a second, which predictions need not pay

    cores = loky.cpu_count()
    executor = loky.ProcessPoolExecutor(cores, initializer=_end_with, initargs=(os.getpid(),))
    try:
        yield executor
    except loky.process_executor.TerminatedWorkerError as error:
        raise DataError(
            f"{root}: one of the {cores} processes that look at the images was ended from outside, most likely for "
            "want of memory; close other programs, or let one core be used with LOKY_MAX_CPU_COUNT=1"
        ) from error
    finally:
        executor.shutdown()


def _end_with(parent: int) -> None:
    """Let this process end within a second of its parent, which may be killed before it can say so."""

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


Found = tuple[Looks, dict[int, str]]
"""The looks at some files, and why those that cannot be used cannot, by their position among them."""


def _look(paths: list[Path], *, verify: bool) -> Found:
    looks, bad = Looks.empty(len(paths)), {}
    for i, path in enumerate(paths):
        try:
            if verify:
                looks.put(i, look_at(path))
            else:
                looks.ids[i] = content_id(read_bytes(path))
        except ImageError as error:
            bad[i] = str(error).removeprefix(f"{path}: ")
    return looks, bad
