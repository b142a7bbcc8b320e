"""Whether a converted model is its source: both are run on the same input, and what was written is read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from googlenet.engines import open_engine
from googlenet.errors import ModelFileError
from googlenet.weights.convert import open_model
from googlenet.weights.model_file import SealedModel

_TOLERANCE = 1e-3  # of the largest logit
_DEFECT = "do not use it; write it anew, and where that does not help, report it as a defect"


def check_against_onnx(model: SealedModel, source: Path) -> float:
    """The greatest difference of the logits on noise, relative to the largest; ``ModelFileError`` above 0.1 %."""
    difference = _onnx_difference(model, source)
    if not difference <= _TOLERANCE:
        raise ModelFileError(
            f"{source}: is like a {model.spec.variant} GoogLeNet, but its logits differ by {difference:.1%}: it has a "
            "layer or a setting that none of the known ones has; it cannot be converted"
        )
    return difference


def check_written(model: SealedModel, path: Path) -> str:
    """Read back what was written from ``model`` to ``path``; says in words what was compared.

    Tensors must be the same bit for bit; an ONNX graph, whose batch norms are folded, must answer alike.
    Raises ``ModelFileError`` where they differ.
    """
    if path.suffix == ".onnx":
        difference = _onnx_difference(model, path)
        if not difference <= _TOLERANCE:
            raise ModelFileError(f"{path}: was written, but its logits differ by {difference:.1%}; {_DEFECT}")
        return f"run beside the model: logits differ by {difference:.1e} of the largest"
    tensors = open_model(path).tensors
    for name, tensor in model.tensors.items():
        if name not in tensors or not np.array_equal(tensors[name], tensor):
            raise ModelFileError(f"{path}: was written, but reads back with another {name}; {_DEFECT}")
    return f"read back: all {len(model.tensors)} tensors are the same"


def _onnx_difference(model: SealedModel, source: Path) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(source.read_bytes(), providers=["CPUExecutionProvider"])
    size = model.preprocessing.crop_size
    low, high = _range(model)
    images = np.random.default_rng(0).uniform(low, high, (1, 3, size, size)).astype(np.float32)
    theirs = session.run(None, {session.get_inputs()[0].name: images})[0]
    ours = open_engine(model).logits(images)
    if theirs.shape != ours.shape:
        raise ModelFileError(f"{source}: gives {theirs.shape} where {ours.shape} was expected; give a classifier")
    return float(np.abs(theirs - ours).max() / max(np.abs(theirs).max(), 1e-12))


def _range(model: SealedModel) -> tuple[float, float]:
    """The least and the greatest value that the network's input can have."""
    pairs = list(zip(model.preprocessing.mean, model.preprocessing.scale, strict=True))
    return min(-mean * scale for mean, scale in pairs), max((255 - mean) * scale for mean, scale in pairs)
