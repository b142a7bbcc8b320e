from __future__ import annotations

from pathlib import Path

import pytest

from googlenet.data.csv_file import list_csv
from googlenet.data.listing import NOT_GIVEN, Split
from googlenet.errors import DataError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg", "c, d.jpg"):
        (tmp_path / name).touch()
    return tmp_path / "labels.csv"


def test_paths_are_relative_to_the_file_or_absolute(table: Path) -> None:
    table.write_text(f"path,label\na.jpg,cat\n{table.parent / 'b.jpg'},dog\n")
    listing = list_csv(table)
    assert listing.paths == ["a.jpg", str(table.parent / "b.jpg")]
    assert listing.words == ["cat", "dog"]
    assert listing.splits == [NOT_GIVEN, NOT_GIVEN]


def test_columns_may_come_in_any_order_with_others_between(table: Path) -> None:
    table.write_text(
        '\ufeffSplit, id ,Label,path\ntrain,1,猫 <b>,"c, d.jpg"\nValid,2,dog,a.jpg\ntest,3,dog,b.jpg\n', "utf-8"
    )
    listing = list_csv(table)
    assert listing.paths == ["c, d.jpg", "a.jpg", "b.jpg"]
    assert listing.words == ["猫 <b>", "dog", "dog"]
    assert listing.splits == [Split.TRAIN, Split.VAL, Split.TEST]


def test_a_repeated_row_counts_once_and_is_noted(table: Path) -> None:
    table.write_text("path,label\na.jpg,cat\na.jpg,cat\n")
    listing = list_csv(table)
    assert listing.paths == ["a.jpg"]
    assert "1 rows repeat" in listing.notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path\na.jpg\n", "no column 'label'"),
        ("file;label\na.jpg;cat\n", "no column 'path' or 'label'"),
        ("", "no column 'path' or 'label'"),
        ("path,label\na.jpg,cat\nx.jpg,cat\n", r"row 3: path 'x\.jpg' does not exist"),
        ("path,label\na.jpg,cat\n,cat\n", "row 3: path '' does not exist"),
        ("path,label\na.jpg\n", "row 2: the label is empty"),
        ("path,label,split\na.jpg,cat,dev\n", "row 2: split is 'dev'"),
        ("path,label,split\na.jpg,cat,train\nb.jpg,cat,\n", "column 'split' is empty in 1 of 2 rows"),
        ("path,label\na.jpg,cat\na.jpg,dog\n", "row 3: path 'a.jpg' stands in an earlier row"),
        ('path,label\n"a.jpg,cat\n', "cannot be read as a CSV file"),
        ("path,label\na.jpg,c\0t\nb\0.jpg,cat\n", "does not exist|cannot be read"),
    ],
)
def test_a_mistake_is_named_with_its_row(text: str, message: str, table: Path) -> None:
    table.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        list_csv(table)
    assert str(caught.value).startswith(str(table))
    assert "\n" not in str(caught.value)


def test_another_encoding_is_named(table: Path) -> None:
    table.write_bytes("path,label\na.jpg,Müll\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        list_csv(table)
