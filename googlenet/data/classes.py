"""The names of classes: what a folder is called, and what a person reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassName:
    """One class: ``id`` is the folder's or the CSV's word for it, ``name`` what is shown to people.

    They are the same unless a model came with both (``n01440764`` and «tench, Tinca tinca»).
    """

    id: str
    name: str
