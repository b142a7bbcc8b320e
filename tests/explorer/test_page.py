"""The page as a file: what it holds, what it must never do, and the command that writes it."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from PIL import Image

from googlenet.cli import main
from googlenet.explorer.network import network_json
from googlenet.explorer.page import LANGUAGES, page_html, texts
from googlenet.explorer.reductions import reductions_json
from googlenet.variants import VARIANTS, batch_norm, paper
from googlenet.weights.model_file import SealedModel
from tests.explorer.conftest import HOSTILE, data_of, model_of


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    model_of(batch_norm(2, aux_heads=False).scaled(1 / 32), 64).save(path)
    return path


def _run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["googlenet", "explore", *map(str, words)])
    code = 0
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_both_languages_say_the_same_things() -> None:
    english, chinese = (texts(code) for code in LANGUAGES)
    assert list(english) == list(chinese)
    for key, words in english.items():
        assert words
        assert chinese[key]
        assert _places(words) == _places(chinese[key]), key
        assert words != chinese[key] or key == "module.title", f"{key} is not translated"


def _places(words: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(words)} - {None}


def test_every_text_that_a_script_names_exists_and_every_text_is_named() -> None:
    scripts = "".join(
        path.read_text("utf-8") for path in (files("googlenet.explorer") / "web").iterdir() if path.name.endswith(".js")
    )
    named = set(re.findall(r'"((?:[a-z]+)\.[a-z_.0-9A-Z]+)"', scripts))
    known = set(texts("en"))
    families = {"kind", "tour", "paper.reason", "tab", "reductions"}  # put together from what is shown
    prefixes = {key.split(".")[0] for key in known}
    assert {name for name in named if name.split(".")[0] in prefixes} <= known
    unnamed = {key for key in known - named if not any(key.startswith(f"{family}.") for family in families)}
    assert unnamed <= {"page.noscript"}
    assert len([key for key in known if re.fullmatch(r"tour\.\d+\.text", key)]) == 10


def test_reasons_are_those_of_describe() -> None:
    from googlenet.describe.printed import REASONS

    reasons = {key: words for key, words in texts("en").items() if key.startswith("paper.reason.")}
    assert reasons == {f"paper.reason.{name}": words for name, words in REASONS.items()}


def test_a_page_without_photographs_and_with_hostile_names(model: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    out = tmp_path / "page.html"
    code, document, err = _run(capsys, monkeypatch, model, "--out", out, "--json")
    assert (code, err) == (0, "")
    assert json.loads(document) == {"page": str(out), "bytes": out.stat().st_size, "images": []}
    data = data_of(out)
    assert data["model"]["classes"][0] == HOSTILE
    assert data["pictures"] == []
    found = _Elements()
    found.feed(out.read_text("utf-8"))
    assert found.tags.count("script") == 3
    assert "img" not in found.tags
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", out.read_text("utf-8"))


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def test_without_scripts_the_page_says_what_it_needs(model: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    _run(capsys, monkeypatch, model, "--out", tmp_path / "page.html", "--lang", "zh")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert '<html lang="zh">' in text
    (words,) = re.findall("<noscript>(.*?)</noscript>", text)
    assert "JavaScript" in words
    assert "启用脚本" in words


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # as decode.py has it; pytest forgets that
@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (12_000, 9_000)])
def test_pictures_of_every_size(model: Path, tmp_path: Path, size: tuple[int, int], capsys, monkeypatch) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", size, (200, 120, 40)).save(path, quality=50)
    code, _, _ = _run(capsys, monkeypatch, model, path, "--out", tmp_path / "page.html")
    assert code == 0
    (look,) = data_of(tmp_path / "page.html")["pictures"]
    assert look["name"] == "photo.jpg"
    assert np.isclose(sum(p for _, p in look["opinions"]["main"]), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing.safetensors"], "nothing.safetensors"),
        (["MODEL", "nothing.jpg"], "nothing.jpg: cannot be read"),
        (["MODEL", "MODEL"], "is not a JPEG, PNG"),
        (["MODEL", "--lang", "fr"], "--lang"),
        (["MODEL", "--out", "MODEL"], "give it the ending .html"),
        (["MODEL", "--out", "no/such/folder/page.html"], "no/such/folder/page.html"),
    ],
)
def test_mistakes_are_one_line(model: Path, words: list[str], message: str, capsys, monkeypatch) -> None:
    code, out, err = _run(capsys, monkeypatch, *[str(model) if word == "MODEL" else word for word in words])
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_has_a_page(name: str) -> None:
    spec = VARIANTS[name]().scaled(1 / 32)
    page = page_html(model_of(spec), [])
    assert len(page) < 500_000
    assert f'"variant": "{name}"' in page


def test_heads_that_cannot_take_the_models_images_are_left_out() -> None:
    model = model_of(paper(3).scaled(1 / 32))
    small = SealedModel(
        model.spec, model.classes, model.preprocessing.model_copy(update={"crop_size": 128}), model.tensors, {}
    )
    assert set(network_json(model)["heads"]) == {"loss1", "loss2"}
    assert network_json(small)["heads"] == {}


def test_reductions_add_up_to_what_describe_says() -> None:
    model = model_of(paper(3).scaled(1 / 8))
    savings = {entry["name"]: entry for entry in network_json(model)["savings"]}
    for name, module in reductions_json(model.spec, 224).items():
        for form in ("naive", "reduced"):
            layers = [layer for branch in module[form] for layer in branch]
            assert sum(layer["weights"] for layer in layers) == savings[name][form]["weights"]
            assert sum(layer["macs"] for layer in layers) == savings[name][form]["macs"]
            assert sum(branch[-1]["output"][0] for branch in module[form]) == savings[name][form]["channels"]
