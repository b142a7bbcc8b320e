"""The network in the shapes that other people's code expects of it."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence

from torch import Tensor, nn

from googlenet.errors import SettingsError
from googlenet.network.torch_net import GoogLeNet

# Torchvision's order and names; code written against it unpacks by position.
GoogLeNetOutputs = namedtuple("GoogLeNetOutputs", ["logits", "aux_logits2", "aux_logits1"])


class TorchvisionStyle(nn.Module):
    """Answers as ``torchvision.models.googlenet`` does: a ``GoogLeNetOutputs`` in training with heads, else logits."""

    def __init__(self, net: GoogLeNet) -> None:
        super().__init__()
        self.net = net
        self.aux_logits = net.spec.aux_heads

    def forward(self, images: Tensor) -> Tensor | GoogLeNetOutputs:
        """(batch, 3, height, width) -> (batch, classes), or the three heads' by torchvision's names."""
        logits = self.net(images)
        if self.training and self.aux_logits:
            return GoogLeNetOutputs(logits.main, logits.aux2, logits.aux1)
        main: Tensor = logits.main
        return main


class Features(nn.Module):
    """The outputs of named layers as a list, as timm's ``features_only`` gives them; nothing beyond them is computed.

    ``channels`` and ``reductions`` (input pixels per feature pixel) describe the entries.
    """

    def __init__(self, net: GoogLeNet, layers: Sequence[str]) -> None:
        super().__init__()
        if not layers:
            raise SettingsError("layers is empty; name at least one, such as 'inception_4e/output'")
        self.net = net
        self.names = tuple(net.spec.layer(name).name for name in layers)
        shapes = net.spec.shapes(224) if not net.spec.aux_heads else net.spec.without_heads().shapes(224)
        self.channels = [shapes[name][0] for name in self.names]
        self.reductions = [224 // shapes[name][1] for name in self.names]

    def forward(self, images: Tensor) -> list[Tensor]:
        """(batch, 3, height, width) -> one (batch, channels, height / reduction, width / reduction) per layer."""
        found = self.net.activations(images, self.names)
        return [found[name] for name in self.names]
