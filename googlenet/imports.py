"""Importing a library without the frameworks that it would bring along wherever they are installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """As if the packages ``names`` were not installed; one that is imported already stays.

    An import of them fails inside, as it does where they are absent.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None there makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
