"""The network as torch.hub, torchvision's users and timm's users expect it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import googlenet
from googlenet.errors import SettingsError, SpecError
from googlenet.network.torch_adapters import Features, TorchvisionStyle
from googlenet.network.torch_net import GoogLeNet
from googlenet.variants import batch_norm
from googlenet.weights.model_file import SealedModel

torchvision = pytest.importorskip("torchvision")


def _net(*, aux_heads: bool = True) -> GoogLeNet:
    return GoogLeNet(batch_norm(4, aux_heads=aux_heads).scaled(1 / 8))


def test_outputs_are_torchvision_s() -> None:
    net = TorchvisionStyle(_net()).train()
    images = torch.randn(2, 3, 96, 96)
    outputs = net(images)
    assert outputs._fields == torchvision.models.GoogLeNetOutputs._fields
    torch.manual_seed(0)
    logits, aux2, _ = net(images)
    torch.manual_seed(0)
    plain = net.net(images)
    torch.testing.assert_close(logits, plain.main)
    torch.testing.assert_close(aux2, plain.aux2)
    assert isinstance(net.eval()(images), torch.Tensor)
    assert isinstance(TorchvisionStyle(_net(aux_heads=False)).train()(images), torch.Tensor)


def test_features_by_name() -> None:
    net = _net().eval()
    features = Features(net, ["pool2/3x3_s2", "inception_3b/output", "inception_5b/output"])
    images = torch.randn(1, 3, 224, 224)
    for found, channels, reduction in zip(features(images), features.channels, features.reductions, strict=True):
        assert found.shape == (1, channels, 224 // reduction, 224 // reduction)
    assert features.reductions == [8, 8, 32]
    with pytest.raises(SpecError, match="no layer 'layer4'"):
        Features(net, ["layer4"])
    with pytest.raises(SettingsError, match="layers is empty"):
        Features(net, [])


def test_googlenet_torch(tiny_model: SealedModel, tmp_path: Path) -> None:
    assert googlenet.torch("batch_norm", classes=7, aux_heads=False).spec.classes == 7
    with pytest.raises(SpecError, match="'resnet'"):
        googlenet.torch("resnet")
    tiny_model.save(tmp_path / "m.safetensors")
    net = googlenet.torch(weights=str(tmp_path / "m.safetensors"))
    assert net.spec == tiny_model.spec
    assert not net.training


def test_torch_hub() -> None:
    net = torch.hub.load(str(Path(__file__).parents[2]), "googlenet", "tutorial", source="local", classes=3)
    assert net.spec.variant == "tutorial"
