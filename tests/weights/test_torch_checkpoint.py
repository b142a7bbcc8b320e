"""Bridges to PyTorch: torchvision's own model as the oracle, the tutorial's written down from its description."""

from __future__ import annotations

import os
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from googlenet.data.preprocess import normalise
from googlenet.errors import ModelFileError
from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import TABLE_1
from googlenet.variants import batch_norm
from googlenet.weights.convert import convert, export_weights
from googlenet.weights.model_file import SealedModel
from tests.conftest import random_tensors

torchvision = pytest.importorskip("torchvision")


def _torchvision(*, aux_logits: bool = True, transform_input: bool = False, classes: int = 10) -> nn.Module:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net: nn.Module = torchvision.models.googlenet(
            num_classes=classes, aux_logits=aux_logits, transform_input=transform_input, init_weights=True
        )
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.1)
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 1.5)
            elif isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)
    return net


class _Conv(nn.Module):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(*args, **options)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.conv(x))


class _Inception(nn.Module):
    def __init__(self, source: int, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        super().__init__()
        self.branch1 = _Conv(source, a, kernel_size=1)
        self.branch2 = nn.Sequential(_Conv(source, b, kernel_size=1), _Conv(b, c, kernel_size=3, padding=1))
        self.branch3 = nn.Sequential(_Conv(source, d, kernel_size=1), _Conv(d, e, kernel_size=5, padding=2))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), _Conv(source, f, kernel_size=1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class _Aux(nn.Module):
    def __init__(self, source: int, classes: int) -> None:
        super().__init__()
        self.conv = _Conv(source, 128, kernel_size=1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.dropout(self.conv(functional.avg_pool2d(x, 5, 3)).flatten(1), 0.5, self.training)
        x = functional.dropout(functional.relu(self.fc1(x)), 0.5, self.training)
        return self.fc2(x)


class Tutorial(nn.Module):
    """The tutorial's PyTorch model, from its description: biases, no norms, returns (main, aux2, aux1) in training."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.conv1 = _Conv(3, 64, kernel_size=7, stride=2, padding=3)
        self.conv2 = _Conv(64, 64, kernel_size=1)
        self.conv3 = _Conv(64, 192, kernel_size=3, padding=1)
        source = 192
        for module in TABLE_1:
            widths = (module.c1x1, module.reduce3x3, module.c3x3, module.reduce5x5, module.c5x5, module.pool_proj)
            self.add_module(f"inception{module.name}", _Inception(source, *widths))
            source = module.c1x1 + module.c3x3 + module.c5x5 + module.pool_proj
        self.aux1 = _Aux(512, classes)
        self.aux2 = _Aux(528, classes)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        def pool(x: Tensor) -> Tensor:
            return functional.max_pool2d(x, 3, 2, ceil_mode=True)

        x = pool(self.conv3(self.conv2(pool(self.conv1(x)))))
        x = pool(self.inception3b(self.inception3a(x)))
        x = self.inception4a(x)
        aux1 = self.aux1(x)
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        aux2 = self.aux2(x)
        x = self.inception5b(self.inception5a(pool(self.inception4e(x))))
        x = functional.dropout(x.mean((2, 3)), 0.4, self.training)
        return self.fc(x), aux2, aux1


def _ours(path: Path, state: dict[str, Tensor]) -> tuple[GoogLeNet, SealedModel]:
    torch.save(state, path)
    model = convert(path).model
    net = GoogLeNet(model.spec)
    net.load_canonical(model.tensors)
    return net, model


def _without_dropout(net: nn.Module) -> nn.Module:
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return net


@pytest.mark.parametrize("aux_logits", [True, False])
def test_torchvision_in_evaluation(tmp_path: Path, aux_logits: bool) -> None:
    oracle = _torchvision(aux_logits=aux_logits).eval()
    net, model = _ours(tmp_path / "net.pth", oracle.state_dict())
    assert model.spec.variant == "torchvision"
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(images).main, oracle(images), rtol=1e-5, atol=1e-5)


def test_torchvision_in_training_with_gradients(tmp_path: Path) -> None:
    oracle = _without_dropout(_torchvision()).double().train()
    net, _ = _ours(tmp_path / "net.pth", {k: v.clone().float() for k, v in oracle.state_dict().items()})
    _without_dropout(net).double().train()
    images = torch.randn(2, 3, 224, 224, dtype=torch.float64)
    expected, found = oracle(images), net(images)
    for name, head in (("logits", found.main), ("aux_logits1", found.aux1), ("aux_logits2", found.aux2)):
        torch.testing.assert_close(head, getattr(expected, name), rtol=1e-5, atol=1e-5)
    sum(head.square().sum() for head in expected).backward()
    sum(head.square().sum() for head in (found.main, found.aux1, found.aux2)).backward()
    for module in (oracle, net):
        for parameter in module.parameters():
            parameter.data = parameter.grad  # so that a gradient is found under its weight's name
    torch.save(oracle.state_dict(), tmp_path / "gradients.pth")
    gradients = convert(tmp_path / "gradients.pth").model.tensors
    ours = net.canonical()
    assert set(ours) == set(gradients)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(
            ours[name], gradient, rtol=1e-4, atol=1e-4 * max(1, np.abs(gradient).max()), err_msg=name
        )


def test_transform_input_is_the_preprocessing(tmp_path: Path) -> None:
    oracle = _torchvision(aux_logits=False, transform_input=True).eval()
    net, model = _ours(tmp_path / "net.pth", oracle.state_dict())
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3)).astype(np.uint8)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    theirs = ((torch.from_numpy(pixels).float() / 255 - mean) / std).permute(2, 0, 1)[None]
    ours = torch.from_numpy(normalise(pixels, model.preprocessing))[None]
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(ours).main, oracle(theirs), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["torchvision", "tutorial"])
def test_the_way_back_is_byte_identical(tmp_path: Path, kind: str) -> None:
    oracle = _torchvision() if kind == "torchvision" else Tutorial()
    state = oracle.state_dict()
    for i, name in enumerate(name for name in state if name.endswith("num_batches_tracked")):
        state[name] += i
    _, model = _ours(tmp_path / "there.pth", state)
    export_weights(model, tmp_path / "back.pth")
    back = torch.load(tmp_path / "back.pth", weights_only=True)
    oracle.load_state_dict(back, strict=True)
    assert set(back) == set(state)
    for name, tensor in state.items():
        assert back[name].dtype == tensor.dtype
        assert back[name].numpy().tobytes() == tensor.numpy().tobytes()


def test_the_tutorial(tmp_path: Path) -> None:
    torch.manual_seed(1)
    oracle = Tutorial().eval()
    net, model = _ours(tmp_path / "net.pth", oracle.state_dict())
    assert (model.spec.variant, model.preprocessing.resize) == ("tutorial", "warp")
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        main, aux2, aux1 = oracle(images)
        _without_dropout(net).train()
        found = net(images)
    for ours, theirs in ((found.main, main), (found.aux1, aux1), (found.aux2, aux2)):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_wrappers_prefixes_and_types_are_accepted(tmp_path: Path) -> None:
    state = Tutorial().state_dict()
    plain = _ours(tmp_path / "a.pth", state)[1]
    wrapped = OrderedDict((f"module.{name}", tensor.double()) for name, tensor in state.items())
    torch.save({"epoch": 3, "state_dict": wrapped}, tmp_path / "b.pth")
    conversion = convert(tmp_path / "b.pth")
    assert all(np.array_equal(conversion.model.tensors[name], plain.tensors[name]) for name in plain.tensors)
    assert "conv1.conv.weight: float64 to float32" in conversion.transformed
    for dtype in (torch.float16, torch.bfloat16):
        torch.save({name: tensor.to(dtype) for name, tensor in state.items()}, tmp_path / "c.pth")
        assert len(convert(tmp_path / "c.pth").transformed) == len(state)


class _Payload:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("legacy", [True, False])
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path: Path, legacy: bool) -> None:
    target = tmp_path / "written"
    state: dict[str, Any] = {**Tutorial().state_dict(), "x": _Payload(target)}
    torch.save(state, tmp_path / "evil.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ModelFileError, match=r"evil\.pth: cannot be read as plain tensors"):
        convert(tmp_path / "evil.pth")
    assert not target.exists()
    torch.load(tmp_path / "evil.pth", weights_only=False)  # the payload is real
    assert target.exists()


def test_what_cannot_be_equal_is_refused(tmp_path: Path) -> None:
    def says(state: dict[str, Tensor], words: str) -> None:
        torch.save(state, tmp_path / "x.pth")
        with pytest.raises(ModelFileError, match=words):
            convert(tmp_path / "x.pth")

    state = Tutorial().state_dict()
    says(
        {name: t for name, t in state.items() if name != "inception4b.branch1.conv.bias"},
        "inception4b.branch1.conv.bias",
    )
    says(state | {"inception4b.branch1.conv.bias": torch.zeros(3)}, "inception4b.branch1.conv.bias has the shape")
    says(state | {"extra.weight": torch.zeros(3)}, "'extra.weight' is of no layer")
    says(state | {"fc.bias": torch.full((5,), torch.nan)}, "loss3/classifier/bias")
    says(state | {"inception3a.branch3.1.conv.weight": torch.zeros(32, 16, 3, 3)}, "3x3 kernels in the 5x5 branch")
    says({"layer1.0.conv1.weight": torch.zeros(1)}, "a ResNet, no GoogLeNet")
    says({"a": torch.zeros(1)}, "no GoogLeNet: its first tensor is 'a'")
    spec = batch_norm(3, aux_heads=False).scaled(1 / 16)
    model = SealedModel(spec, (), convert_preprocessing(), random_tensors(spec), {})
    with pytest.raises(ModelFileError, match="'batch_norm' network fits no PyTorch model"):
        export_weights(model, tmp_path / "y.pth")
    with pytest.raises(ModelFileError, match="'batch_norm' network is not bvlc_googlenet"):
        export_weights(model, tmp_path / "y.caffemodel")
    with pytest.raises(ModelFileError, match=r"ends in '\.h5'"):
        export_weights(model, tmp_path / "y.h5")


def convert_preprocessing() -> Any:
    from googlenet.data.preprocess import Preprocessing

    return Preprocessing()


def test_a_checkpoint_cut_short(tmp_path: Path) -> None:
    torch.save(Tutorial().state_dict(), tmp_path / "cut.pth")
    content = (tmp_path / "cut.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelFileError, match=r"cut\.pth"):
        convert(tmp_path / "cut.pth")
