"""A source of photographs -> its diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path

from googlenet.data.examine import Progress, examine
from googlenet.data.index import list_images
from googlenet.data.listing import Listing
from googlenet.data.look import Looks
from googlenet.doctor.classes import Counts, class_cases, class_counts
from googlenet.doctor.duplicates import copy_cases
from googlenet.doctor.files import Case, file_cases, skipped_cases
from googlenet.doctor.findings import KINDS, Diagnosis, collect
from googlenet.doctor.strays import stray_cases
from googlenet.errors import DataError, SettingsError

More = Callable[[Listing, Looks], Iterable[Case]]
"""A further check of all usable images; it may open them again."""


def check(
    source: Path, *, only: Collection[str] = (), progress: Progress | None = None, more: More | None = None
) -> Diagnosis:
    """Look at every image of a folder or CSV file once and say what is wrong.

    ``only``: the kinds of findings wanted, all by default. ``more`` adds cases. Raises ``DataError`` where there is
    nothing to look at, ``SettingsError`` for a kind that does not exist.
    """
    _check_kinds(only)
    listing = list_images(source, need_train=False)
    if not listing.paths and not listing.skipped:
        raise DataError(
            f"{source}: holds no images ({listing.ignored} other files); "
            "put .jpg, .png, .webp, .bmp, .gif or .tif files in a folder per class"
        )
    misplaced = len(listing.skipped)
    looks = examine(listing, verify=True, progress=progress)
    return diagnose(source, listing, looks, misplaced=misplaced, only=only, more=more(listing, looks) if more else ())


def diagnose(
    source: Path,
    listing: Listing,
    looks: Looks,
    *,
    misplaced: int = 0,
    only: Collection[str] = (),
    more: Iterable[Case] = (),
) -> Diagnosis:
    """What the looks at all listed files say; of the skipped ones the first ``misplaced`` were never opened."""
    counts = class_counts(listing)
    cases = chain(_cases(source, listing, misplaced, looks, counts), more)
    return Diagnosis(
        source=source,
        root=listing.root,
        images=len(listing.paths),
        classes={word: sum(row) for word, row in counts.items()},
        findings=collect(case for case in cases if not only or case[0] in only),
    )


def _check_kinds(only: Collection[str]) -> None:
    if unknown := [kind for kind in only if kind not in KINDS]:
        raise SettingsError(f"--only is {unknown[0]!r}; known are: {', '.join(KINDS)}")


def _cases(source: Path, listing: Listing, misplaced: int, looks: Looks, counts: Counts) -> Iterator[Case]:
    yield from skipped_cases(listing, misplaced)
    yield from class_cases(counts)
    yield from copy_cases(listing, looks)
    yield from file_cases(listing, looks)
    if source.is_dir():
        yield from stray_cases(source)
