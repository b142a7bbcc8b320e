"""PyTorch's exported program (.pt2): a graph of operators and weights, loaded without this package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from googlenet.errors import ModelFileError
from googlenet.export.artifact import Artifact, Run
from googlenet.export.contract import Export, Input
from googlenet.export.int8 import Int8Data
from googlenet.export.onnx_target import input_shape
from googlenet.network.onnx_net import LOGITS
from googlenet.network.torch_net import GoogLeNet
from googlenet.settings import ExportSettings
from googlenet.spec import INPUT
from googlenet.weights.model_file import SealedModel

FILE = "model.pt2"
_MOST = 4096  # images at once


class _Main(nn.Module):
    """The main head alone: a tensor in, a tensor out."""

    def __init__(self, net: GoogLeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, data: Tensor) -> Tensor:
        """Images (batch, 3, height, width) -> logits (batch, classes)."""
        logits: Tensor = self.net(data).main
        return logits


def write(model: SealedModel, folder: Path, settings: ExportSettings, data: Int8Data | None = None) -> Artifact:
    """Write ``model.pt2`` into ``folder``."""
    spec = model.spec.without_heads()
    net = GoogLeNet(spec).eval()
    net.load_canonical({name: model.tensors[name] for name in spec.tensors})
    shape = input_shape(model, settings)
    images = torch.zeros(settings.batch or 2, *shape[1:])
    axes = None if settings.batch else {"data": {0: torch.export.Dim("batch", min=1, max=_MOST)}}
    program = torch.export.export(_Main(net), (images,), dynamic_shapes=axes)
    torch.export.save(program, folder / FILE)
    return Artifact(FILE, Input(name=INPUT, dtype="float32", layout="NCHW", shape=shape), LOGITS)


def open_pt2(export: Export, threads: int) -> Run:
    """The export's network in PyTorch; raises ``ModelFileError`` where it will not open."""
    try:
        module = torch.export.load(export.model_path).module()
    except Exception as error:  # a damaged archive raises many kinds
        reason = " ".join(str(error).split())[:300]
        raise ModelFileError(f"{export.model_path}: PyTorch cannot open it ({reason}); export it again") from error

    def run(images: NDArray[Any]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = module(torch.from_numpy(images)).numpy()
        return logits

    return run
