"""Static quantisation by onnxruntime: weights by channel, activations from the ranges that calibration images show."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from googlenet.spec import INPUT


def quantised(content: bytes, batches: Iterable[NDArray[np.float32]], float_layers: Sequence[str]) -> bytes:
    """The ONNX model in ``content`` in 8 bits, its metadata kept; ``batches`` are prepared images.

    Operators whose names begin with one of ``float_layers`` stay as they are.
    """
    model = onnx.load_model_from_string(content)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    kept = [node.name for node in model.graph.node if node.name.startswith(tuple(float_layers))] if float_layers else []
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it advises a pre-processing that our graph has no need of
    try:
        with TemporaryDirectory() as folder:
            target = Path(folder) / "int8.onnx"
            quantize_static(
                model,
                str(target),
                _Reader(batches),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=kept,
                calibrate_method=CalibrationMethod.MinMax,
            )
            result = onnx.load_model(target)
    finally:
        logging.disable(previous)
    del result.metadata_props[:]
    onnx.helper.set_model_props(result, metadata)
    serialised: bytes = result.SerializeToString()
    return serialised


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, batches: Iterable[NDArray[np.float32]]) -> None:
        self._batches: Iterator[NDArray[np.float32]] = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        """The next batch as onnxruntime's input, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}
