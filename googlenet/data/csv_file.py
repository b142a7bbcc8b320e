"""A CSV file ``path,label[,split]`` -> Listing."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from sys import intern

from natsort import natsorted

from googlenet.data.listing import NOT_GIVEN, SPLIT_WORDS, Listing
from googlenet.errors import DataError


def list_csv(source: Path) -> Listing:
    """List the rows of a UTF-8 CSV file; paths are absolute or relative to the file. Other columns are ignored.

    A row that repeats an earlier one is left out and noted. Raises ``DataError`` naming the row (the header is row 1)
    for a missing column, a path that does not exist, an empty label, an unknown split or a path with two labels.
    """
    listing = Listing(source.parent)
    seen: dict[str, tuple[str, int]] = {}
    repeated = 0
    for row, path, label, split_word in _rows(source):
        where = f"{source} row {row}"
        split = _split(where, split_word)
        _check(where, listing.root, path, label)
        if path in seen:
            if seen[path] != (label, split):
                raise DataError(
                    f"{where}: path {path!r} stands in an earlier row with another label or split; keep one"
                )
            repeated += 1
            continue
        seen[path] = (label, split)
        listing.add(path, intern(label), split)
    if NOT_GIVEN in listing.splits and set(listing.splits) != {NOT_GIVEN}:
        raise DataError(
            f"{source}: column 'split' is empty in {listing.splits.count(NOT_GIVEN)} of {len(listing.splits)} rows; "
            "fill all of them or none"
        )
    if repeated:
        listing.notes.append(f"{source}: {repeated} rows repeat an earlier one and count once")
    listing.class_words = natsorted(sorted(set(listing.words)))
    return listing


def _rows(source: Path) -> Iterator[tuple[int, str, str, str]]:
    """Row number, path, label and split word (empty where there is none) of every row."""
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [cell.strip().lower() for cell in next(reader, [])]
            missing = [name for name in ("path", "label") if name not in header]
            if missing:
                raise DataError(
                    f"{source}: has no column {' or '.join(map(repr, missing))}; its first row is {','.join(header)!r} "
                    "but must be path,label or path,label,split"
                )
            path, label = header.index("path"), header.index("label")
            split = header.index("split") if "split" in header else -1
            for cells in reader:
                if cells:
                    yield reader.line_num, _cell(cells, path), _cell(cells, label), _cell(cells, split)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{source}: cannot be read as a CSV file in UTF-8 ({error}); save it again as such") from error


def _cell(cells: list[str], column: int) -> str:
    return cells[column].strip() if 0 <= column < len(cells) else ""


def _split(where: str, word: str) -> int:
    if not word:
        return NOT_GIVEN
    if word.lower() not in SPLIT_WORDS:
        raise DataError(f"{where}: split is {word!r}; it must be train, val or test")
    return SPLIT_WORDS[word.lower()]


def _check(where: str, root: Path, path: str, label: str) -> None:
    if not label:
        raise DataError(f"{where}: the label is empty; give the image a class or remove the row")
    if not path or "\0" in path or not (root / path).exists():
        raise DataError(f"{where}: path {path!r} does not exist (looked for {root / path}); correct or remove the row")
