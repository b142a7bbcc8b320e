"""Whether a converted model answers as its source does: both are run on the same input."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from googlenet.engines import open_engine
from googlenet.errors import ModelFileError
from googlenet.weights.model_file import SealedModel

_TOLERANCE = 1e-3  # of the largest logit


def check_against_onnx(model: SealedModel, source: Path) -> float:
    """The greatest difference of the logits on noise, relative to the largest; ``ModelFileError`` above 0.1 %."""
    import onnxruntime

    session = onnxruntime.InferenceSession(source.read_bytes(), providers=["CPUExecutionProvider"])
    size = model.preprocessing.crop_size
    low, high = _range(model)
    images = np.random.default_rng(0).uniform(low, high, (1, 3, size, size)).astype(np.float32)
    theirs = session.run(None, {session.get_inputs()[0].name: images})[0]
    ours = open_engine(model).logits(images)
    if theirs.shape != ours.shape:
        raise ModelFileError(f"{source}: gives {theirs.shape} where {ours.shape} was expected; give a classifier")
    difference = float(np.abs(theirs - ours).max() / max(np.abs(theirs).max(), 1e-12))
    if not difference <= _TOLERANCE:
        raise ModelFileError(
            f"{source}: is like a {model.spec.variant} GoogLeNet, but its logits differ by {difference:.1%}: it has a "
            "layer or a setting that none of the known ones has; it cannot be converted"
        )
    return difference


def _range(model: SealedModel) -> tuple[float, float]:
    """The least and the greatest value that the network's input can have."""
    pairs = list(zip(model.preprocessing.mean, model.preprocessing.scale, strict=True))
    return min(-mean * scale for mean, scale in pairs), max((255 - mean) * scale for mean, scale in pairs)
