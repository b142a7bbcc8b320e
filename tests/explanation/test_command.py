"""`googlenet explain`: pictures, one page, documents, and one line for a mistake."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.data.classes import ClassName
from googlenet.data.preprocess import Preprocessing
from googlenet.engines import open_engine
from googlenet.explanation.heads import head_opinions
from googlenet.explanation.maps import Map
from googlenet.explanation.overlay import draw_map, draw_whole
from googlenet.explanation.view import look
from googlenet.variants import paper, torchvision
from googlenet.weights.model_file import SealedModel
from tests.conftest import MakePicture, Run, random_tensors


@pytest.fixture
def model(tiny_model: SealedModel, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    names = tuple(ClassName(name, f"<b onclick='x()'>{name}</b>") for name in ("blue", "green", "red"))
    replace(tiny_model, classes=names).save(path)
    return path


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        assert not any(name.startswith("on") for name, _ in attrs)


def test_pictures_page_and_document(run: Run, model: Path, tmp_path: Path, make_picture: MakePicture) -> None:
    paths = [make_picture("a/x y.png", size=(300, 90)), make_picture("b/x y.png", size=(1, 1))]
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    words = ["explain", model, *paths, broken, "--method", "cam", "--method", "grad-cam", "--out", tmp_path / "why"]
    code, out, err = run(*words, "--json")
    document = json.loads(out)
    assert code == 0
    assert [entry["path"] for entry in document["images"]] == [str(path) for path in paths]
    assert [entry["path"] for entry in document["skipped"]] == [str(broken)]
    assert "broken.jpg" in err
    first = document["images"][0]
    assert first["answer"]["probability"] >= first["runner_up"]["probability"]
    assert first["heads"] == {}
    assert [(part["method"], part["question"]) for part in first["maps"]] == [
        (method, question) for method in ("cam", "grad-cam") for question in ("answer", "against_runner_up")
    ]
    cam = first["maps"][0]
    assert cam["sum"] + cam["constant"] == pytest.approx(cam["score"], abs=1e-4)
    assert cam["completeness_error"] < 1e-4
    assert first["maps"][2]["completeness_error"] is None
    pictures = [part["picture"] for entry in document["images"] for part in entry["maps"]]
    assert len(set(pictures)) == 8
    for picture in [*pictures, first["whole"]]:
        with Image.open(picture) as image:
            assert image.format == "PNG"
    page = Path(document["page"]).read_text(encoding="utf-8")
    parsed = _Page(page)
    assert "script" not in parsed.tags
    assert "b onclick" in page
    assert "<b onclick" not in page
    assert all(address.startswith("data:image/webp;base64,") for address in parsed.addresses)
    assert "prefers-color-scheme: dark" in page
    assert "no auxiliary heads" in page
    assert "broken.jpg" in page


def test_lines_for_people(run: Run, model: Path, tmp_path: Path, make_picture: MakePicture) -> None:
    code, out, err = run("explain", model, make_picture("x.png"), "--out", tmp_path / "why")
    assert code == 0
    assert all(Path(line).is_file() for line in out.splitlines())
    assert len(out.splitlines()) == 2
    assert "page: " in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--method", "grad-cam", "--layer", "inception_9z/output"), "near it are: inception_"),
        (("--method", "cam", "--layer", "inception_4a/output"), "take grad-cam"),
        (("--check", "--out", "there"), "draws nothing"),
        (("--method", "magic"), "magic"),
    ],
)
def test_mistakes_are_told_in_one_line(
    run: Run, model: Path, make_picture: MakePicture, words: tuple[str, ...], expected: str
) -> None:
    code, out, err = run("explain", model, make_picture("x.png"), *words)
    assert (code, out) == (2, "")
    assert expected in err
    assert len(err.splitlines()) == 1


def test_nothing_to_explain(run: Run, model: Path, tmp_path: Path) -> None:
    code, _, err = run("explain", model, tmp_path / "nowhere.png", "--out", tmp_path / "why")
    assert code == 2
    assert "nowhere.png: cannot be read" in err
    assert not (tmp_path / "why").exists()


@pytest.mark.filterwarnings("ignore:Image size")  # pytest makes it an error, the package does not
def test_a_thousand_classes_and_a_huge_photograph(run: Run, tiny_model: SealedModel, tmp_path: Path) -> None:
    spec = replace(tiny_model.spec, classes=1000)
    names = tuple(ClassName(str(i), f"class {i}") for i in range(1000))
    path = tmp_path / "m.safetensors"
    replace(tiny_model, spec=spec, classes=names, tensors=random_tensors(spec)).save(path)
    photo = tmp_path / "huge.jpg"
    Image.new("L", (12_000, 9_000), 90).save(photo, quality=30)
    code, out, _ = run("explain", path, photo, "--out", tmp_path / "why", "--json")
    assert code == 0
    assert json.loads(out)["images"][0]["maps"][0]["completeness_error"] < 1e-4
    assert Path(json.loads(out)["page"]).stat().st_size < 1_000_000


def test_auxiliary_heads_are_heard(run: Run, tmp_path: Path, make_picture: MakePicture) -> None:
    spec = torchvision(2, aux_heads=True).scaled(1 / 16)
    names = (ClassName("a", "a"), ClassName("b", "b"))
    sealed = SealedModel(spec, names, Preprocessing(resize_size=72, crop_size=64), random_tensors(spec), {})
    sealed.save(tmp_path / "m.safetensors")
    code, out, _ = run(
        "explain", tmp_path / "m.safetensors", make_picture("x.png"), "--out", tmp_path / "why", "--json"
    )
    assert code == 0
    heads = json.loads(out)["images"][0]["heads"]
    assert list(heads) == ["aux1", "aux2"]
    assert all(0.5 <= head["probability"] <= 1 for head in heads.values())
    page = (tmp_path / "why/explanation.html").read_text(encoding="utf-8")
    assert "auxiliary head on 4d" in page


def test_heads_that_cannot_see_so_small_a_picture(tiny_model: SealedModel) -> None:
    spec = paper(3, aux_heads=True).scaled(1 / 16)
    model = replace(tiny_model, spec=spec, tensors=random_tensors(spec))
    opinions = head_opinions(model, open_engine(model), np.zeros((3, 64, 64), np.float32))
    assert not opinions.probabilities
    assert "cannot look" in opinions.absent


def test_colours_and_places(make_picture: MakePicture) -> None:
    view = look(make_picture("gray.png", size=(64, 32)), Preprocessing(resize_size=32, crop_size=32))
    drawn = np.asarray(draw_map(view, Map(np.array([[1, 0], [0, -1]], np.float32), 0.0))).astype(int)
    red_minus_blue = drawn[..., 0] - drawn[..., 2]
    assert red_minus_blue[50, 50] > 100
    assert red_minus_blue[-50, -50] < -100
    assert abs(red_minus_blue[60, -60]) < 40
    whole = np.asarray(draw_whole(view, Image.new("RGB", (8, 8), (255, 0, 0))))
    assert whole.shape == (32, 64, 3)
    assert (whole[16, 18:46] == (255, 0, 0)).all()
    assert (whole[16, :15].astype(int) <= 150).all()
