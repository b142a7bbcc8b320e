"""Copies as cases: within a class, under several labels (a conflict), in several splits (a leak)."""

from __future__ import annotations

from collections.abc import Iterator

from googlenet.data.listing import NOT_GIVEN, Listing, Split, quoted
from googlenet.data.look import Looks
from googlenet.doctor.copies import exact_copies, near_copies
from googlenet.doctor.files import Case
from googlenet.doctor.findings import Item


def copy_cases(listing: Listing, looks: Looks) -> Iterator[Case]:
    """Exact copies, then near copies."""
    for group in exact_copies(looks.ids):
        yield from _cases(listing, group, "")
    groups, resembling = near_copies(looks)
    for group in groups:
        yield from _cases(listing, group, "near-")
    if resembling:
        yield "resembling", Item("only copies that are not cropped can be told here")


def _cases(listing: Listing, group: list[int], prefix: str) -> Iterator[Case]:
    """A group may be both a conflict and a leak; the copies for training come first."""
    group = sorted(group, key=lambda i: listing.splits[i])
    paths = tuple(listing.paths[i] for i in group)
    words = list(dict.fromkeys(listing.words[i] for i in group))
    splits = list(dict.fromkeys(listing.splits[i] for i in group))
    if len(words) > 1:
        yield f"{prefix}conflict", Item(f"labels {quoted(words)}", paths, movable=paths)
    if len(splits) > 1:
        kept = listing.splits[group[0]]
        movable = tuple(listing.paths[i] for i in group if listing.splits[i] != kept)
        names = " and ".join(Split(split).name.lower() for split in splits)
        yield f"{prefix}leak", Item(f"{names}, class {quoted(words)}", paths, movable)
    if len(words) == len(splits) == 1:
        where = "" if splits == [NOT_GIVEN] else f", {Split(splits[0]).name.lower()}"
        yield f"{prefix}duplicate", Item(f"class {words[0]!r}{where}", paths, movable=paths[1:])
