"""Several members: the same beginning and split, another order, one wider; judged alone and together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from googlenet.cli.protocols import show_ensemble
from googlenet.ensemble import WIDER, Ensemble, train_members
from googlenet.errors import SettingsError
from googlenet.recipes import recipe, scratch
from googlenet.training import run as training_run
from googlenet.training.loop import Trainer
from googlenet.variants import batch_norm
from googlenet.weights.model_file import SealedModel, read_model


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        training_run, "variant", lambda name, classes, aux_heads: batch_norm(classes, aux_heads=aux_heads).scaled(1 / 8)
    )


def _train(data: Path, folder: Path, **changes: Any) -> Ensemble:
    small = {"image_size": 64, "epochs": 1, "batch_size": 8, "precision": "fp32", "aux_heads": False}
    settings = scratch(**(small | changes))
    return train_members(data, settings, folder, 3, language="zh", reading=lambda *_: None, judging=lambda *_: None)


def _models(ensemble: Ensemble) -> list[SealedModel]:
    return [read_model(run.model) for run in ensemble.members]


def test_members_begin_alike_and_see_the_images_in_another_order(
    colour_folder: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = colour_folder(per_class=12)
    ensemble = _train(data, tmp_path / "still", learning_rate=1e-9)
    first, second, wide = _models(ensemble)
    name = "inception_4a/3x3_reduce/weight"
    assert np.allclose(first.tensors[name], second.tensors[name], atol=1e-6)  # nothing learned: the first weights
    outputs, inputs = first.tensors[name].shape[:2]
    assert wide.tensors[name].shape[0] == round(outputs * WIDER)
    assert wide.spec.stem == first.spec.stem
    inside = wide.tensors[name][:outputs]
    assert np.count_nonzero(np.abs(inside) > 1e-6) == np.count_nonzero(np.abs(first.tensors[name]) > 1e-6)
    assert inputs < inside.shape[1]
    statistics = "conv1/7x7_s2/norm/mean"  # of the batches, which are others
    assert not np.allclose(first.tensors[statistics], second.tensors[statistics], atol=1e-6)
    assert len({model.record["data"]["fingerprint"] for model in (first, second, wide)}) == 1

    assert [path.name for path in sorted((tmp_path / "still").iterdir())] == [
        "member-1", "member-2", "member-3", "members.json",
    ]  # fmt: skip
    reports = [path.read_text(encoding="utf-8") for path in (tmp_path / "still").glob("*/report.html")]
    assert len(reports) == 3
    assert all('<html lang="zh"' in page and "googlenet evaluate" in page for page in reports)
    document = json.loads((tmp_path / "still/members.json").read_text())
    assert [(len(row["models"]), row["crops"]) for row in document["protocols"]] == [
        *[(1, 1)] * 3, (3, 1), *[(1, 10)] * 3, (3, 10),
    ]  # fmt: skip
    assert document["protocols"] == ensemble.as_json()["together"]["protocols"]
    assert not any("trained on other data" in note for note in document["notes"])

    capsys.readouterr()
    show_ensemble(ensemble, as_json=True)
    assert len(json.loads(capsys.readouterr().out)["members"]) == 3
    show_ensemble(ensemble, as_json=False)
    shown = capsys.readouterr().out
    assert "all 3" in shown
    assert str(ensemble.members[2].model) in shown


def test_ctrl_c_ends_with_the_member_at_work(
    colour_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, calls = Trainer._step, 0

    def interrupted(self: Trainer, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(Trainer, "_step", interrupted)
    ensemble = _train(colour_folder(per_class=12), tmp_path / "run")
    assert len(ensemble.members) == 1
    assert ensemble.together is not None


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--members is 0; give 1 to 99"):
        train_members(tmp_path, scratch(), tmp_path / "run", 0, reading=lambda *_: None, judging=lambda *_: None)
    assert not (tmp_path / "run").exists()


def test_new_heads_take_any_size_when_fine_tuned(
    colour_folder: Callable[..., Path], tmp_path: Path, tiny_model: SealedModel
) -> None:
    from googlenet.data.index import read_dataset
    from googlenet.training.run import new_run_folder, train

    tiny_model.save(tmp_path / "m.safetensors")
    small = {"image_size": 96, "epochs": 1, "batch_size": 8, "precision": "fp32"}
    settings = recipe(None, weights=tmp_path / "m.safetensors", aux_heads=True, **small)
    model = train(read_dataset(colour_folder(per_class=12)), settings, new_run_folder(tmp_path / "run"))
    assert model.spec.aux_heads
    assert model.spec.aux.adaptive
