"""``googlenet check`` as a person and a program see it."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.doctor.planted import FAULTS, TIMES, clean, scene


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return clean(tmp_path / "data", per_class=10)


def test_a_sound_folder(run: Run, data: Path) -> None:
    code, out, err = run("check", data)
    assert (code, err) == (0, "")
    assert "50 usable images of 5 classes" in out
    assert "nothing to complain of" in out


def test_the_table_and_the_document_say_the_same(run: Run, data: Path) -> None:
    for fault in ("no image", "EXIF turn", "tiny"):
        FAULTS[fault][1](data)
    code, out, _ = run("check", data)
    assert code == 1
    assert out.index("(unreadable)") < out.index("(tiny)") < out.index("(turned)")
    assert f"and {TIMES - 3} more" in out
    code, out, _ = run("check", data, "--json")
    document = json.loads(out)
    assert code == 1
    assert document["serious"] is True
    assert [(entry["kind"], entry["severity"], entry["count"]) for entry in document["findings"]] == [
        ("unreadable", "error", TIMES),
        ("tiny", "warning", TIMES),
        ("turned", "notice", TIMES),
    ]
    assert all(len(entry["items"]) == TIMES for entry in document["findings"])
    assert run("check", data, "--only", "tiny")[0] == 0


def test_a_name_cannot_command_the_terminal(run: Run, data: Path) -> None:
    (data / "plain" / "\x1b[2J\nerror: all is lost.jpg").write_text("no picture")
    out = run("check", data)[1]
    assert "\x1b" not in out
    assert "\nerror: all is lost" not in out


def test_quarantine_and_undo(run: Run, data: Path, tmp_path: Path) -> None:
    FAULTS["no image"][1](data)
    code, out, err = run("check", data, "--quarantine", tmp_path / "aside", "--json")
    assert (code, json.loads(out)["moved"]) == (1, TIMES)
    assert f"googlenet check {data} --undo {tmp_path / 'aside'}" in err
    assert run("check", data)[0] == 0
    code, out, _ = run("check", data, "--undo", tmp_path / "aside", "--json")
    assert (code, json.loads(out)) == (0, {"restored": TIMES, "left": []})
    assert run("check", data)[0] == 1
    code, _, err = run("check", data, "--undo", tmp_path / "aside", "--page", "x.html")
    assert (code, err) == (2, "error: --undo puts files back and does nothing else; give it without --page\n")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_shows_pictures_and_hostile_names_as_text(run: Run, data: Path, tmp_path: Path) -> None:
    for fault in ("wrong ending", "cut short"):
        FAULTS[fault][1](data)
    evil = data / "<script>alert(1)<"
    evil.mkdir()
    for i in range(10):
        scene(9000 + i).save(evil / f'"><img src=x onerror=alert(1)> {i}.jpg')
    shutil.copy(evil / '"><img src=x onerror=alert(1)> 0.jpg', evil / "{{ 7 * 7 }}.jpg")
    page = tmp_path / "page.html"
    code, _, err = run("check", data, "--page", page)
    assert (code, err) == (1, f"page: {page}\n")
    text = page.read_text(encoding="utf-8")
    parsed = Tags()
    parsed.feed(text)
    assert "script" not in parsed.tags
    assert parsed.tags.count("img") == TIMES + 2
    assert all(link.startswith("data:image/jpeg;base64,") for link in parsed.links)
    assert "{{ 7 * 7 }}.jpg" in text
    assert "Not ready for training" in text
    assert "错误" in text
    assert run("check", data, "--page", tmp_path / "no" / "x.html")[0] == 2


def test_mistakes(run: Run, data: Path, tmp_path: Path) -> None:
    for words, message in (
        ((tmp_path / "nowhere",), "does not exist"),
        ((data, "--only", "dupes"), "--only is 'dupes'; known are: unreadable"),
    ):
        code, out, err = run("check", *words)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert message in err
        assert len(err.splitlines()) == 1
