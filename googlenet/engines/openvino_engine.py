"""OpenVINO as an engine: Intel's runtime for processors, AMD's too. It may compute in bf16 where the processor can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from googlenet.engines.answers import check_finite, check_images
from googlenet.engines.cores import usable_cores
from googlenet.errors import SettingsError
from googlenet.network.onnx_net import LOGITS, onnx_bytes
from googlenet.spec import INPUT, OUTPUTS
from googlenet.weights.model_file import SealedModel

_HINTS = {"fp32": "f32", "bf16": "bf16"}


class OpenVinoEngine:
    """One model on OpenVINO, compiled anew for each choice of layers that is asked for."""

    def __init__(self, model: SealedModel, *, threads: int | None = None, precision: str = "fp32") -> None:
        """Open ``model`` on ``threads`` threads (None: one per core that this process may use).

        Raises ``SettingsError`` where the processor has no bf16 and that is asked for.
        """
        if threads is not None and threads < 1:
            raise SettingsError(f"threads is {threads}; give 1 or more")
        self._model = model
        self._threads = threads or usable_cores()
        self._precision = precision
        self._compiled: dict[tuple[str, ...], Any] = {}
        self._network((LOGITS,))

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """As ``Engine.logits``."""
        return self._run(images, (LOGITS,))[LOGITS]

    def activations(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """As ``Engine.activations``."""
        return self._run(images, tuple(names))

    def _run(self, images: NDArray[np.float32], names: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
        layers = [OUTPUTS["main"] if name == LOGITS else name for name in names]
        check_images(self._model, images, layers)
        found = self._network(names)({INPUT: images})
        results = {name: np.array(found[name]) for name in names}
        check_finite(self._model, dict(zip(layers, results.values(), strict=True)))
        return results

    def _network(self, names: tuple[str, ...]) -> Any:
        if names not in self._compiled:
            content = onnx_bytes(self._model.spec, self._model.tensors, outputs=names, lrn_operator=True)
            self._compiled[names] = compile_network(openvino.Core().read_model(content), self._threads, self._precision)
        return self._compiled[names]


def compile_network(network: Any, threads: int, precision: str = "fp32") -> Any:
    """An OpenVINO network ready to run; raises ``SettingsError`` where this processor has not the precision."""
    core = openvino.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise SettingsError("--precision is bf16, which this processor does not have; take fp32")
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": "1",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _HINTS[precision],  # left alone it takes bf16 where it can, and says nothing
        "ENABLE_CPU_PINNING": False,  # threads tied to cores get in the way of those that decode
    }
    return core.compile_model(network, "CPU", settings)
