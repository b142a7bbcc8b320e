"""A file of answers, one row per image, that can be cut off anywhere and continued: CSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import deque
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Any

from googlenet.data.listing import Skipped
from googlenet.errors import MissingExtraError, SettingsError
from googlenet.evaluation.prediction import Prediction

Row = Prediction | Skipped

ENDINGS = (".csv", ".jsonl", ".parquet")

_JSON_BEGINS = b'{"path": '
_GROUP = 65_536  # rows of Parquet written together


class ResultFile:
    """Rows appended to ``path`` in the form that its ending tells.

    A Parquet file is only whole with its end, so its rows stand in ``NAME.parquet.partial`` until they are all there,
    as JSON lines.
    """

    def __init__(self, path: Path, *, top: int, with_set: bool) -> None:
        """Raises ``SettingsError`` for another ending, ``MissingExtraError`` for Parquet without pyarrow."""
        if path.suffix.lower() not in ENDINGS:
            raise SettingsError(f"--out is {path}; its ending tells the form: {', '.join(ENDINGS)}")
        self.path = path
        self._form = path.suffix.lower()
        if self._form == ".parquet":
            _import_pyarrow()
        self._rows = path.with_name(f"{path.name}.partial") if self._form == ".parquet" else path
        self._top, self._with_set = top, with_set
        self._file: FileIO | None = None
        self._end = 0  # of the rows that are kept

    def open(self, *, resume: bool, chunk: int) -> tuple[int, bytes]:
        """Make ready to append. Returns how many rows are kept, a multiple of ``chunk``, and the last so many of them.

        The rest of what is there, a row cut short or a chunk that is not whole, is dropped by the first ``write``.
        Raises ``SettingsError`` where there is a file and no ``resume``.
        """
        there = [path for path in {self.path, self._rows} if path.exists()]
        if there and not resume:
            raise SettingsError(f"{there[0]}: exists; continue it with --resume, or give a new --out")
        if self.path != self._rows and self.path.exists():
            raise SettingsError(f"{self.path}: is complete; there is nothing to resume")
        self._file = self._rows.open("r+b" if self._rows.exists() else "x+b", buffering=0)
        begins = self._head() or _JSON_BEGINS
        found = self._file.read(len(begins))
        if found != begins:
            if not begins.startswith(found):
                raise SettingsError(f"{self._rows}: is not what a run with these options writes; give a new --out")
            self._keep(0)
            self._file.write(self._head())
            self._end = self._file.tell()
            return 0, b""
        kept, start, self._end = _whole_chunks(self._rows, len(self._head()), chunk, quoted=self._form == ".csv")
        self._file.seek(start)
        return kept, self._file.read(self._end - start)

    def write(self, rows: list[Row]) -> None:
        """Append rows; they are in the system's hands when this returns."""
        file = self._opened()
        self._keep(self._end)
        data = self.encode(rows)
        while data:  # a raw file may take less than it is given
            data = data[file.write(data) :]
        self._end = file.tell()

    def finish(self) -> None:
        """All rows are there: write them out to the disk, and make the Parquet file of them."""
        file = self._opened()
        self._keep(self._end)
        os.fsync(file.fileno())
        if self._form == ".parquet":
            _write_parquet(self._rows, self.path, with_set=self._with_set)
            self._rows.unlink()

    def close(self) -> None:
        """Close the file; what was written stays."""
        if self._file is not None:
            self._file.close()

    def encode(self, rows: list[Row]) -> bytes:
        """The rows as they stand in the file."""
        if self._form == ".csv":
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerows(self._cells(row) for row in rows)
            return text.getvalue().encode("utf-8", "backslashreplace")
        lines = (json.dumps(_document(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        return "".join(lines).encode("utf-8", "backslashreplace")

    def _head(self) -> bytes:
        if self._form != ".csv":
            return b""
        ranks = range(1, self._top + 1)
        columns = [f"{name}_{rank}" for rank in ranks for name in ("index", "label", "probability")]
        return ",".join(["path", "error", "unknown", *columns, *(["set"] if self._with_set else [])]).encode() + b"\n"

    def _cells(self, row: Row) -> list[Any]:
        if isinstance(row, Skipped):
            return [row.path, row.reason, *[""] * (1 + 3 * self._top + self._with_set)]
        cells = [part for a in row.predictions for part in (a.index, a.label, f"{a.probability:.6f}")]
        unknown = "" if row.unknown is None else "yes" if row.unknown.rejected else "no"
        labels = [" ".join(str(answer.index) for answer in row.set or ())] if self._with_set else []
        return [row.path, "", unknown, *cells, *labels]

    def _keep(self, size: int) -> None:
        file = self._opened()
        file.truncate(size)
        file.seek(size)
        self._end = size

    def _opened(self) -> FileIO:
        if self._file is None:
            raise ValueError("the result file has not been opened")
        return self._file


def _document(row: Row) -> dict[str, Any]:
    return {"path": str(row.path), "error": row.reason} if isinstance(row, Skipped) else row.as_json()


def _whole_chunks(path: Path, start: int, chunk: int, *, quoted: bool) -> tuple[int, int, int]:
    """How many rows from byte ``start`` on make whole chunks, and where the last chunk begins and ends.

    ``quoted``: a line break within quotes ends no row, as in CSV.
    """
    begins = deque([start], maxlen=2)  # of the last chunk, and of what follows it
    rows, position, quotes = 0, start, 0
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            position += len(line)
            quotes += line.count(b'"') if quoted else 0
            if line.endswith(b"\n") and quotes % 2 == 0:
                rows += 1
                if rows % chunk == 0:
                    begins.append(position)
    return rows // chunk * chunk, begins[0], begins[-1]


def _import_pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyarrow", "parquet") from error
    return pyarrow


def _write_parquet(source: Path, target: Path, *, with_set: bool) -> None:
    """JSON lines as a Parquet file, which appears when it is whole."""
    pyarrow = _import_pyarrow()
    lists = {"index": pyarrow.int32(), "label": pyarrow.string(), "probability": pyarrow.float64()}
    columns = {name: pyarrow.list_(kind) for name, kind in lists.items()}
    columns |= {"set": pyarrow.list_(pyarrow.int32())} if with_set else {}
    schema = pyarrow.schema(
        {"path": pyarrow.string(), "error": pyarrow.string(), "unknown": pyarrow.bool_(), **columns}
    )
    unfinished = target.with_name(f".{target.name}.{os.urandom(4).hex()}.partial")
    try:
        with source.open("rb") as lines, pyarrow.parquet.ParquetWriter(unfinished, schema) as writer:
            while some := list(islice(lines, _GROUP)):
                rows = [_parquet_row(json.loads(line)) for line in some]
                writer.write_table(pyarrow.Table.from_pylist(rows, schema))
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _parquet_row(document: dict[str, Any]) -> dict[str, Any]:
    answers = document.get("predictions")
    row = {
        "path": document["path"].encode("utf-8", "backslashreplace").decode(),
        "error": document.get("error"),
        "unknown": (document.get("unknown") or {}).get("rejected"),
        "set": None if "set" not in document else [answer["index"] for answer in document["set"]],
    }
    return row | {
        name: None if answers is None else [answer[name] for answer in answers]
        for name in ("index", "label", "probability")
    }
