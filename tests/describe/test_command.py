"""``googlenet describe`` as a program sees it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from googlenet.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["googlenet", "describe", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


def test_the_table_has_no_number_cut(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "…" not in out
    row = next(line for line in out.splitlines() if line.startswith(" inception_5b "))
    assert row.split() == ["inception_5b", "7×7×1024", "1,442,816", "1,444,080", "1388", "K", "70,697,984", "71", "M",
                           "715", "0.61"]  # fmt: skip
    for words in (
        "13,378,280",
        "1,591,044,096",
        "6797.7 K",
        "1502 M",
        "819,200",
        "50,688",
        "138,357,544",
        "204 kernels",
    ):
        assert words in out


def test_json(run: Run) -> None:
    code, out, _ = run("--json", "--batch", "8")
    document = json.loads(out)
    assert code == 0
    assert set(document) == {
        "variant", "input_size", "classes", "aux_heads", "batch", "depth", "blocks", "totals", "activation_bytes",
        "disagreements", "savings", "example", "vgg16",
    }  # fmt: skip
    block = next(block for block in document["blocks"] if block["name"] == "inception_3a")
    assert set(block) == {
        "name", "output", "weights", "parameters", "macs", "field", "activation_bytes", "printed", "branches", "layers",
    }  # fmt: skip
    assert block["printed"] == {"parameters": 159, "operations": 128}
    assert [branch["macs"] for branch in block["branches"]] == [9_633_792, 101_154_816, 12_443_648, 4_816_896]
    assert set(block["layers"][0]) == {
        "name", "kind", "kernel", "stride", "output", "weights", "parameters", "macs", "field", "activation_bytes",
    }  # fmt: skip
    assert document["totals"]["main"] == {"weights": 6_990_272, "parameters": 6_998_552, "macs": 1_582_671_872}
    assert block["layers"][0]["activation_bytes"] == 8 * 4 * 28 * 28 * block["layers"][0]["output"][0]
    assert run("--format", "json", "--batch", "8")[1] == out


def test_markdown_is_tables(run: Run) -> None:
    _, out, _ = run("--format", "markdown", "--variant", "torchvision")
    tables = re.findall(r"(?:^\|.*\|\n)+", out, re.MULTILINE)
    assert len(tables) == 4
    assert out.count("(7+7)") == 1, "its conv1 is the paper's, its modules are not"
    assert "204 kernels" not in out
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_html_has_no_script_and_asks_for_nothing(run: Run) -> None:
    _, out, _ = run("--format", "html")
    page = _Page()
    page.feed(out)
    assert page.tags.count("svg") == 3
    assert page.tags.count("table") == 4
    assert not {"script", "link", "img", "iframe", "object", "image", "use"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on")} | ({"src", "href", "xlink:href"} & names)
    assert not re.search(r"url\(|@import", out)
    assert run("--format", "html", "--variant", "slim")[1].count("<svg") == 2


@pytest.mark.parametrize("which", ["network", "module", "aux"])
@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_drawing_is_a_file(run: Run, tmp_path: Path, which: str, ending: str) -> None:
    path = tmp_path / f"figure.{ending}"
    code, out, err = run("--draw", which, "--out", path)
    assert (code, out, err) == (0, "", f"drawing: {path}\n")
    assert path.read_bytes().startswith(b"<svg" if ending == "svg" else b"\x89PNG")
    assert json.loads(run("--draw", which, "--out", path, "--json")[1]) == {"drawing": str(path)}


def test_the_module_can_be_chosen_at_any_input_size(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.svg"
    assert run("--draw", "module", "--module", "4e", "--input-size", "299", "--out", path)[0] == 0
    assert "With 1×1 reductions" in path.read_text(encoding="utf-8")
    assert "320 kernels" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--variant", "papr"], "variant is 'papr'; known are: paper"),
        (["--draw", "module"], "has no --out"),
        (["--draw", "module", "--module", "9z", "--out", "x.svg"], "--module is '9z'"),
        (["--module", "3a"], "only --draw module has one"),
        (["--format", "xml"], 'Invalid value "xml"'),
        (["--draw", "all", "--out", "x.svg"], 'Invalid value "all"'),
        (["--draw", "aux", "--out", "x.gif"], "x.gif, but drawings are written as .svg or .png"),
        (["--draw", "aux", "--out", "x.svg", "--no-aux-heads"], "has no auxiliary heads"),
        (["--draw", "aux", "--out", "nowhere/x.svg"], "cannot be saved"),
        (["--draw", "aux", "--out", "x.svg", "--input-size", "0"], "--input-size is 0"),
        (["--out", "x.svg"], "nothing is drawn"),
        (["--json", "--format", "html"], "choose one"),
        (["--input-size", "4", "--no-aux-heads"], "the input is too small"),
        (["--input-size", "299"], "auxiliary heads need 224 px"),
        (["--batch", "0"], "--batch is 0"),
        (["--classes", "0"], "classes is 0"),
    ],
)
def test_mistakes_take_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_certificate_is_not_drawn(run: Run, tmp_path: Path) -> None:
    code, out, err = run("--certify", "model.safetensors", "--draw", "network", "--out", tmp_path / "n.svg")
    assert (code, out) == (2, "")
    assert "--certify stands alone" in err
