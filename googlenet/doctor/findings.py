"""What the doctor can find, how serious each kind is, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Severity = Literal["error", "warning", "notice"]


@dataclass(frozen=True)
class Kind:
    """One kind of finding; docs/check.md explains each."""

    severity: Severity
    title: str
    remedy: str


KINDS = {
    "unreadable": Kind("error", "files that cannot be used", "replace them with whole copies, or --quarantine them"),
    "misplaced": Kind("error", "things that are not listed", "move images into a class folder; mend or remove links"),
    "empty-class": Kind("error", "classes without a usable image", "add images, or remove the folder"),
    "untrained-class": Kind("error", "classes to judge but not to train", "add training images, or remove the folder"),
    "conflict": Kind("error", "the same image under several labels", "keep the copy whose label is right"),
    "near-conflict": Kind("error", "almost the same image under several labels", "keep the copy whose label is right"),
    "leak": Kind("error", "the same image in several splits", "keep one copy; results flatter otherwise"),
    "near-leak": Kind("error", "almost the same image in several splits", "keep one; results flatter otherwise"),
    "wrong-extension": Kind("warning", "files of another format than their name says", "rename them"),
    "left-out": Kind("warning", "images left out because of their name", "rename or convert them"),
    "tiny": Kind("warning", "tiny images", "replace them by larger ones; there is little in them to learn"),
    "extreme-shape": Kind("warning", "very long or very tall images", "crop them: only the middle square is seen"),
    "one-colour": Kind("warning", "images of one colour", "remove them, unless nothing is what they shall show"),
    "duplicate": Kind("warning", "the same image again in one class", "keep one copy; the others weigh it double"),
    "near-duplicate": Kind("warning", "almost the same image again in one class", "look, and keep the best one"),
    "unjudged-class": Kind("warning", "classes to train but not to judge", "add images of them to val and test"),
    "few-images": Kind("warning", "classes with few training images", "add images; some dozens at least"),
    "imbalance": Kind("warning", "classes with far fewer images than the largest", "add images, or --class-weights"),
    "numeric-classes": Kind(
        "warning", "class numbers that sort differently as text", "pad them with zeros: 01, 02, … 10"
    ),
    "doubtful-label": Kind("warning", "labels that the images do not bear out", "look, and correct the label"),
    "resembling": Kind("notice", "pictures alike by nature", "nothing: cropped copies cannot be told among them"),
    "odd-mode": Kind("notice", "pixels stored in an unusual way", "nothing: they are converted; other tools may not"),
    "turned": Kind("notice", "images turned by their EXIF tag", "nothing: they are turned; other tools may not"),
    "hidden": Kind("notice", "hidden files and folders, passed over", "nothing, unless your images lie there"),
}
"""Name -> kind, the most serious first: the order of the table."""


@dataclass(frozen=True)
class Item:
    """One case: a file, copies that belong together, or (no path) a class."""

    detail: str
    paths: tuple[str, ...] = ()  # relative to the root, or absolute where a CSV says so
    movable: tuple[str, ...] = ()  # those of the paths that --quarantine takes away


@dataclass(frozen=True)
class Finding:
    """All cases of one kind."""

    kind: str
    items: tuple[Item, ...]

    @property
    def severity(self) -> Severity:
        """How serious it is."""
        return KINDS[self.kind].severity

    def as_json(self) -> dict[str, Any]:
        """One entry of ``findings`` in the document that ``googlenet check --json`` prints (docs/cli.md)."""
        kind = KINDS[self.kind]
        return {
            "kind": self.kind,
            "severity": kind.severity,
            "title": kind.title,
            "remedy": kind.remedy,
            "count": len(self.items),
            "items": [{"detail": item.detail, "paths": list(item.paths)} for item in self.items],
        }


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What is wrong with a data set, in the order of ``KINDS``."""

    source: Path
    root: Path
    images: int  # usable ones
    classes: dict[str, int]  # name -> usable images, in the order of a model's classes
    findings: tuple[Finding, ...]

    @property
    def serious(self) -> bool:
        """Whether anything is found that makes training or its figures wrong."""
        return any(finding.severity == "error" for finding in self.findings)

    def counts(self) -> dict[str, int]:
        """Kind -> cases, of the kinds that were found."""
        return {finding.kind: len(finding.items) for finding in self.findings}

    def severities(self) -> Counter[str]:
        """Severity -> cases."""
        totals: Counter[str] = Counter()
        for finding in self.findings:
            totals[finding.severity] += len(finding.items)
        return totals

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet check --json`` prints (docs/cli.md)."""
        return {
            "data": str(self.source),
            "images": self.images,
            "classes": self.classes,
            "serious": self.serious,
            "findings": [finding.as_json() for finding in self.findings],
        }


def collect(cases: Iterable[tuple[str, Item]]) -> tuple[Finding, ...]:
    """Group cases by kind, in the order of ``KINDS``."""
    found: dict[str, list[Item]] = {kind: [] for kind in KINDS}
    for kind, item in cases:
        found[kind].append(item)
    return tuple(Finding(kind, tuple(items)) for kind, items in found.items() if items)
