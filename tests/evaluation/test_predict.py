"""Which files are meant, and that the answers come in their order."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from googlenet.data.listing import Skipped
from googlenet.engines import open_engine
from googlenet.errors import DataError
from googlenet.evaluation.predict import find_images, predict, predict_one
from googlenet.weights.model_file import SealedModel
from tests.conftest import MakePicture


def _found(*sources: str | Path) -> tuple[list[str], list[Skipped]]:
    skipped: list[Skipped] = []
    return [path.name for path in find_images(map(str, sources), skipped)], skipped


def test_folders_are_searched_wholly_but_not_their_hidden_parts(tmp_path: Path, make_picture: MakePicture) -> None:
    for name in ("a/b/2.png", "a/1.JPG.png", ".hidden/3.png", "a/.4.png", "a/.b/5.png"):
        make_picture(name)
    (tmp_path / "a/notes.txt").touch()
    (tmp_path / "a/loop").symlink_to(tmp_path)
    assert _found(tmp_path) == (["1.JPG.png", "2.png"], [])


def test_what_is_meant_comes_in_the_order_given(tmp_path: Path, make_picture: MakePicture) -> None:
    z, a = make_picture("z.png"), make_picture("folder/a.png")
    assert _found(z, tmp_path / "folder", z)[0] == ["z.png", "a.png", "z.png"]
    assert _found(tmp_path / "**/*.png")[0] == ["a.png", "z.png"]
    assert _found(a, tmp_path / "nowhere.png")[0] == ["a.png", "nowhere.png"]


def test_a_name_with_brackets_is_a_file_before_it_is_a_glob(make_picture: MakePicture) -> None:
    assert _found(make_picture("photo[1].png")) == (["photo[1].png"], [])


def test_sources_without_images_are_named(tmp_path: Path, make_picture: MakePicture) -> None:
    (tmp_path / "empty").mkdir()
    names, skipped = _found(tmp_path / "empty", tmp_path / "*.nothing", make_picture("x.png"))
    assert names == ["x.png"]
    assert [part.reason.split(";")[0] for part in skipped] == ["holds no images", "matches no file"]


def test_a_list_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a.png\n\n  b c.png\r\n中.png"))
    assert _found("-")[0] == ["a.png", "  b c.png", "中.png"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("a.png\0b.png"))
    with pytest.raises(DataError, match="zero bytes"):
        _found("-")


def test_many_answer_as_each_alone_does(tiny_model: SealedModel, tmp_path: Path, make_picture: MakePicture) -> None:
    engine = open_engine(tiny_model)
    paths = [make_picture(f"{i}.png", seed=i) for i in range(40)]
    paths.insert(7, tmp_path / "nowhere.png")
    skipped: list[Skipped] = []
    answers = list(predict(tiny_model, engine, tiny_model.preprocessing, paths, top=2, skipped=skipped))
    assert [part.path for part in skipped] == [paths.pop(7)]
    assert [answer.path for answer in answers] == [str(path) for path in paths]
    for answer, path in zip(answers, paths, strict=True):
        alone = predict_one(tiny_model, engine, path, top=3)
        assert [part.index for part in answer.predictions] == [part.index for part in alone.predictions[:2]]
        assert np.allclose([p.probability for p in answer.predictions], [p.probability for p in alone.predictions[:2]])
        assert sum(part.probability for part in alone.predictions) == pytest.approx(1)
        assert all(part.label == tiny_model.classes[part.index].name for part in alone.predictions)
