"""Everything that a page shows of a photograph, against PyTorch on the same sealed model."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.explorer.look import Looker
from googlenet.explorer.thumbnails import LEVELS, palette
from googlenet.layers import Dropout
from googlenet.variants import batch_norm, naive, paper, torchvision
from googlenet.weights.model_file import SealedModel
from tests.explorer.conftest import model_of
from tests.explorer.reference import Case, probabilities

CASES = {
    "paper": (paper(12).scaled(1 / 8), 224),
    "naive": (naive(2, aux_heads=False).scaled(1 / 32), 128),
    "torchvision": (torchvision(7, aux_heads=False).scaled(1 / 8), 128),
    "batch_norm": (batch_norm(3).scaled(1 / 16), 96),
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, picture: Path) -> Case:
    return Case(model_of(*CASES[request.param]), picture)


def _close(found: float, wanted: float, scale: float) -> bool:
    return abs(found - wanted) <= 1e-4 * scale + 1e-9


def test_every_layer_is_there_with_its_strongest_channels(case: Case) -> None:
    spec = case.model.spec
    shown = set(case.look["layers"]) | set(spec.outputs.values())
    assert shown == {layer.name for layer in spec.layers if not isinstance(layer, Dropout)}
    for name, layer in case.look["layers"].items():
        values = case.values[name].astype(np.float64)
        means = values.reshape(len(values), -1).mean(1)
        scale = np.abs(values).max()
        assert _close(layer["mean"], means.mean(), scale)
        assert _close(layer["max"], values.max(), scale)
        assert len(layer["channels"]) == min(12, len(values))
        kept = sorted(means, reverse=True)[: len(layer["channels"])]
        for entry, mean in zip(layer["channels"], kept, strict=True):
            assert _close(entry["mean"], means[entry["channel"]], scale)
            assert _close(entry["mean"], mean, scale)  # none stronger was left out
            assert _close(entry["max"], values[entry["channel"]].max(), scale)


def test_pictures_of_channels_hold_every_value(case: Case) -> None:
    colours = {tuple(colour): level for level, colour in enumerate(palette().tolist())}
    assert len(colours) == LEVELS
    for name, layer in case.look["layers"].items():
        for entry in layer["channels"]:
            values = case.values[name][entry["channel"]]
            if values.size == 1:
                assert entry["image"] is None
                continue
            pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(entry["image"].split(",")[1]))).convert("RGB"))
            levels = np.array([[colours[tuple(pixel)] for pixel in row] for row in pixels.tolist()])
            low = min(0.0, float(values.min()))
            span = float(values.max()) - low
            wanted = (values - low) / span * (LEVELS - 1) if span else np.zeros_like(values)
            assert np.abs(levels - wanted).max() <= 0.5 + 0.05 * (span > 0)


def test_opinions_of_all_heads(case: Case) -> None:
    assert set(case.look["opinions"]) == set(case.model.spec.outputs)
    for head, entries in case.look["opinions"].items():
        wanted = probabilities(case.values[case.model.spec.outputs[head]])
        assert len(entries) == min(5, len(wanted))
        assert [i for i, _ in entries] == np.argsort(-case.values[case.model.spec.outputs[head]])[
            : len(entries)
        ].tolist()
        for index, probability in entries:
            assert probability == pytest.approx(wanted[index], abs=1e-5)


def test_what_each_branch_adds(case: Case) -> None:
    for name, module in case.look["modules"].items():
        values = case.values[f"{name}/output"].astype(np.float64)
        means = values.mean((1, 2))
        np.testing.assert_allclose(module["profile"], means, atol=1e-4 * means.max())
        assert sum(part["channels"] for part in module["branches"]) == len(values)
        assert sum(part["share"] for part in module["branches"]) == pytest.approx(1, abs=1e-4)
        for part in module["branches"]:
            own = case.values[part["end"]].astype(np.float64)
            assert part["share"] == pytest.approx(own.mean((1, 2)).sum() / means.sum(), abs=1e-4)
            assert part["silent"] == (own == 0).all((1, 2)).sum()
            np.testing.assert_array_equal(own, values[part["first"] : part["first"] + part["channels"]])


def test_evidence_adds_up_to_the_logit(case: Case) -> None:
    logits = case.values[case.model.spec.outputs["main"]]
    maps = case.values["inception_5b/output"].astype(np.float64)
    weights = case.model.tensors["loss3/classifier/weight"]
    scale = float(np.abs(logits).max())
    for entry in case.look["evidence"]:
        assert _close(entry["logit"], logits[entry["class"]], scale)
        assert _close(sum(map(sum, entry["places"])) + entry["bias"], logits[entry["class"]], scale)
        assert _close(sum(part["value"] for part in entry["branches"]), entry["evidence"], scale)
        by_channel = weights[entry["class"]] * maps.mean((1, 2))
        for part in entry["channels"]:
            assert _close(part["value"], by_channel[part["channel"]], scale)
        by_place = np.einsum("c,cyx->yx", weights[entry["class"]], maps) / maps[0].size
        np.testing.assert_allclose(entry["places"], by_place, atol=1e-4 * scale)


@pytest.mark.parametrize("module", ["inception_3a", "inception_4d", "inception_5b"])
def test_answers_with_parts_switched_off(case: Case, module: str) -> None:
    parts, switches = case.look["modules"][module]["branches"], case.look["switches"][module]
    assert len(switches["branches"]) == 2 ** len(parts) - 1
    for choice, answer in switches["branches"].items():
        channels = [
            part["first"] + i
            for on, part in zip(choice, parts, strict=True)
            if on == "0"
            for i in range(part["channels"])
        ]
        _check_answer(case, answer, {f"{module}/output": channels})
    shown = {
        part["first"] + entry["channel"] for part in parts for entry in case.look["layers"][part["end"]]["channels"]
    }
    assert set(switches["channels"]) == {str(channel) for channel in shown}
    assert {str(entry["channel"]) for entry in case.look["layers"][f"{module}/output"]["channels"]} <= set(
        switches["channels"]
    )
    for channel in list(switches["channels"])[:4]:
        _check_answer(case, switches["channels"][channel], {f"{module}/output": [int(channel)]})


def _check_answer(case: Case, answer: list[tuple[int, float]], zeros: Mapping[str, Sequence[int]]) -> None:
    wanted = probabilities(case.run(zeros)[case.model.spec.outputs["main"]])
    named = [index for index, _ in answer]
    assert {index for index, _ in case.look["opinions"]["main"]} <= set(named)
    assert set(np.argsort(-wanted, kind="stable")[:5].tolist()) <= set(named) or len(wanted) > 5
    for index, probability in answer:
        assert probability == pytest.approx(wanted[index], abs=1e-5)
    assert [p for _, p in answer] == sorted((p for _, p in answer), reverse=True)


def test_a_branch_with_its_kernels_zeroed_is_a_branch_switched_off(case: Case, picture: Path) -> None:
    """The other way to switch it off: in the sealed model's own weights."""
    spec, tensors = case.model.spec, dict(case.model.tensors)
    for name in spec.layer("inception_4c/5x5").parameters() | spec.layer("inception_4c/5x5").statistics():
        if not name.endswith("variance"):
            tensors[name] = np.zeros_like(tensors[name])
    changed = SealedModel(spec, case.model.classes, case.model.preprocessing, tensors, {})
    wanted = dict(Looker(changed).look(picture)["opinions"]["main"])
    found = dict(case.look["switches"]["inception_4c"]["branches"]["1101"])
    assert len(wanted) >= 2
    for index in set(wanted) & set(found):
        assert found[index] == pytest.approx(wanted[index], abs=1e-5)
    assert set(wanted) <= set(found)
