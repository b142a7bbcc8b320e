"""The certificate: every planted mistake is named, nothing else is, and what is no GoogLeNet is told apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torchvision

from googlenet.cli import app
from googlenet.conformance.certify import certify, certify_module, certify_spec
from googlenet.errors import GoogLeNetError, ModelFileError, SettingsError
from googlenet.network.onnx_net import LOGITS, onnx_bytes
from googlenet.network.torch_net import GoogLeNet
from googlenet.variants import VARIANTS, paper, variant
from tests.conformance.independent import Independent
from tests.conftest import random_tensors

HERE = "tests.conformance.independent"

# the mistake, the module it is made in -> the layer that is named, the kind, words of the sentence
PLANTED = [
    ("3x3 kernel", "a3", "inception_3a/5x5", "kernel", "5×5 branch of inception_3a has a 3×3 kernel"),
    ("3x3 kernel", "e4", "inception_4e/5x5", "kernel", "5×5 branch of inception_4e has a 3×3 kernel"),
    ("no first lrn", "", "pool1/norm1", "lrn", "no LRN after pool1"),
    ("no second lrn", "", "conv2/norm2", "lrn", "no LRN after conv2/3x3"),
    ("lrn alpha", "", "pool1/norm1", "lrn", "does not divide α by n"),
    ("swapped", "", "loss1/classifier", "swapped", "auxiliary outputs swapped"),
    ("pool4 2x2", "", "pool4/3x3_s2", "kernel", "pool4 is 2×2"),
    ("no relu", "b4", "inception_4b/pool_proj", "relu", "ReLU missing after inception_4b/pool_proj"),
    ("no reduction", "c4", "inception_4c/3x3_reduce", "missing", "1×1 reduction before the 3×3 convolution"),
    ("channel order", "d4", "inception_4d/output", "order", "wrong channel order"),
    ("no bias", "b5", "inception_5b/5x5_reduce", "bias", "no bias"),
]


@pytest.mark.parametrize(
    ("fault", "where", "layer", "kind", "words"), PLANTED, ids=[row[0] + row[1] for row in PLANTED]
)
def test_a_planted_mistake_is_named_and_nothing_else(fault: str, where: str, layer: str, kind: str, words: str) -> None:
    certificate = certify_module(Independent(fault, where), "planted")
    assert not certificate.conforms
    assert [(finding.layer, finding.kind) for finding in certificate.findings] == [(layer, kind)]
    assert words in certificate.findings[0].says


@pytest.mark.parametrize("seed", range(10))
def test_no_false_alarm_on_another_hand_s_network(seed: int) -> None:
    torch.manual_seed(seed)
    answer = ("namedtuple", "dict", "tuple", "alone")[seed % 4]
    certificate = certify_module(Independent(answer=answer, classes=2 + 111 * seed), "conforming")
    assert certificate.conforms, certificate.as_text()
    assert certificate.heads == (answer != "alone")
    assert all(not findings for findings in certificate.layers.values())


@pytest.mark.parametrize("seed", range(10))
def test_no_false_alarm_on_ours(seed: int) -> None:
    torch.manual_seed(seed)
    certificate = certify_module(GoogLeNet(paper(2 + seed, aux_heads=seed % 2 == 0)), "ours")
    assert certificate.conforms, certificate.as_text()


def test_a_tuple_s_places_are_noted_not_judged() -> None:
    (note,) = certify_module(Independent(answer="tuple"), "tuple").notes
    assert "output 2 hangs off inception_4d, output 3 hangs off inception_4a" in note


@pytest.mark.filterwarnings("ignore:The default weight initialization")
def test_torchvision_s_real_differences_are_named() -> None:
    module = torchvision.models.googlenet(weights=None, init_weights=False)
    found = {(finding.layer, finding.kind) for finding in certify_module(module, "torchvision").findings}
    modules = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    convolutions = [
        layer.name
        for layer in variant("torchvision").layers
        if f"{layer.name}/norm/beta" in variant("torchvision").tensors
    ]
    expected = {(name, kind) for name in convolutions for kind in ("norm", "bias")}
    expected |= {(f"inception_{name}/5x5", "kernel") for name in modules}
    expected |= {("pool1/norm1", "lrn"), ("conv2/norm2", "lrn"), ("pool4/3x3_s2", "kernel")}
    expected |= {("loss1/ave_pool", "kernel"), ("loss2/ave_pool", "kernel"), ("pool5/drop_7x7_s1", "dropout")}
    assert found == expected


@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in ("paper", "naive")])
def test_every_other_variant_differs_in_the_same_way_by_spec_and_by_behaviour(name: str) -> None:
    by_spec = {(f.layer, f.kind) for f in certify_spec(variant(name), name).findings}
    torch.manual_seed(0)
    by_behaviour = {(f.layer, f.kind) for f in certify_module(GoogLeNet(variant(name)), name).findings}
    assert by_spec == by_behaviour
    assert by_spec


def test_naive_lacks_every_reduction() -> None:
    missing = {f.layer for f in certify_spec(variant("naive"), "naive").findings if f.kind == "missing"}
    assert len(missing) == 27  # three 1x1 convolutions in each of nine modules


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (torchvision.models.resnet18, "20 convolutions"),
        (lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 224 * 224, 3)), "0 convolutions"),
    ],
    ids=["resnet18", "linear"],
)
def test_another_network_is_told_apart(make, words: str) -> None:
    certificate = certify_module(make(), "other")
    assert not certificate.conforms
    assert "no GoogLeNet" in certificate.statement
    assert words in certificate.statement


def test_a_module_that_fails_is_quoted() -> None:
    certificate = certify(f"{HERE}:crashes_on_224")
    assert "fails on images of 3×224×224" in certificate.statement


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (f"{HERE}:nothing", "cannot be made"),
        ("no.such.module:x", "No module named"),
        ("json:dumps", "cannot be made"),
        ("builtins:dict", "gives a dict"),
    ],
)
def test_a_factory_that_gives_no_module_is_refused(subject: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        certify(subject)


def test_an_onnx_graph_is_certified_by_running_it(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    for spec, conforms in ((paper(5, aux_heads=False), True), (variant("torchvision", 5, aux_heads=False), False)):
        path = tmp_path / f"{spec.variant}.onnx"
        path.write_bytes(onnx_bytes(spec, random_tensors(spec), outputs=(LOGITS,)))
        certificate = certify(str(path))
        assert certificate.conforms is conforms, certificate.as_text()


def test_files(tmp_path: Path, shared: Path, tiny_model) -> None:
    certificate = certify(str(shared / "weights" / "bvlc_googlenet.caffemodel"))
    assert certificate.conforms
    assert any("weights only" in note for note in certificate.notes)
    tiny_model.save(tmp_path / "tiny.safetensors")
    assert not certify(str(tmp_path / "tiny.safetensors")).conforms
    with pytest.raises(ModelFileError):
        certify(str(tmp_path / "missing.safetensors"))


@pytest.mark.parametrize(("name", "code"), [("conforming", 0), ("crashes_on_224", 1)])
def test_the_exit_code(name: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["describe", "--certify", f"{HERE}:{name}", "--json"]
    if code:
        with pytest.raises(SystemExit) as stopped:
            app(words, exit_on_error=False, result_action="return_none")
        assert stopped.value.code == code
    else:
        app(words, exit_on_error=False, result_action="return_none")
    document = json.loads(capsys.readouterr().out)
    assert document["conforms"] is (code == 0)


def test_a_mistake_of_the_user_is_an_error_of_ours() -> None:
    with pytest.raises(GoogLeNetError):
        certify("nowhere.pth")
