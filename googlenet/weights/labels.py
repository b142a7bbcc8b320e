"""The names of classes from a text file."""

from __future__ import annotations

from pathlib import Path

from googlenet.data.classes import ClassName
from googlenet.errors import ModelFileError


def read_labels(path: Path, count: int) -> tuple[ClassName, ...]:
    """The ``count`` classes in a text file, one a line; raises ``ModelFileError`` when they are not that many."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ModelFileError(f"{path}: the labels cannot be read ({reason}); give a text file of one a line") from error
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) != count:
        raise ModelFileError(
            f"{path}: has {len(lines)} labels for a network of {count} classes; give one line per class, in order"
        )
    classes = tuple(_class_name(line) for line in lines)
    if len({name.id for name in classes}) != count:
        raise ModelFileError(f"{path}: has the same label twice; give every class its own")
    return classes


def _class_name(line: str) -> ClassName:
    first, _, rest = line.partition(" ")
    is_synset = len(first) == 9 and first[0] == "n" and first[1:].isdigit()
    return ClassName(first, rest.strip() or first) if is_synset else ClassName(line, line)


def numbered(count: int) -> tuple[ClassName, ...]:
    """Names for ``count`` classes that nobody named."""
    return tuple(ClassName(f"class_{i}", f"class_{i}") for i in range(count))
