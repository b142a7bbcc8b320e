"""The default engine: onnxruntime on the processor, with the graph built from spec and weights when it opens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from googlenet.engines.answers import check_finite, check_images
from googlenet.engines.cores import usable_cores
from googlenet.errors import SettingsError
from googlenet.network.onnx_net import onnx_parts
from googlenet.spec import FEATURES, INPUT, OUTPUTS
from googlenet.weights.model_file import SealedModel

_ERRORS_ONLY = 3
_LOGITS = OUTPUTS["main"]
_USUAL = (_LOGITS, FEATURES)  # asked for together by a calibrated model: one session gives both, or either


class OnnxRuntimeEngine:
    """One model on onnxruntime; what it computes depends on nothing but the model and the images."""

    def __init__(self, model: SealedModel, *, threads: int | None = None) -> None:
        """Open ``model`` on ``threads`` threads (None: one per core that this process may use)."""
        if threads is not None and threads < 1:
            raise SettingsError(f"threads is {threads}; give 1 or more")
        self._model = model
        self._threads = threads or usable_cores()
        self._sessions: dict[tuple[str, ...], onnxruntime.InferenceSession] = {}  # by source and outputs
        self._session(INPUT, _USUAL)

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The main head's logits, (batch, classes), of images (batch, 3, height, width).

        Raises ``SpecError`` when the images are too small for the network, ``ModelFileError`` when what comes out is no
        number.
        """
        return self._run(images, (_LOGITS,))[_LOGITS]

    def activations(self, images: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The outputs of the layers ``names``; raises what ``logits`` raises, and ``SpecError`` for an unknown name."""
        return self._run(images, tuple(names))

    def logits_behind(self, layer: str, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """The main head's logits, (batch, classes), where ``maps``, (batch, channels, height, width), come out of
        ``layer``: what the network would answer if that layer gave something else. Every way must lead through it.
        """
        logits: NDArray[np.float32] = self._session(layer, (_LOGITS,)).run((_LOGITS,), {layer: maps})[0]
        check_finite(self._model, {_LOGITS: logits})
        return logits

    def _run(self, images: NDArray[np.float32], names: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
        check_images(self._model, images, names)
        results = dict(zip(names, self._session(INPUT, names).run(names, {INPUT: images}), strict=True))
        check_finite(self._model, results)
        return results

    def _session(self, source: str, names: tuple[str, ...]) -> onnxruntime.InferenceSession:
        if source == INPUT and set(names) <= set(_USUAL):
            names = _USUAL
        key = (source, *names)
        if key not in self._sessions:
            self._sessions[key] = open_session(self._model, self._threads, source, names)
        return self._sessions[key]


def open_session(model: SealedModel, threads: int, source: str, outputs: Sequence[str]) -> onnxruntime.InferenceSession:
    """A session for the part of the network from behind the layer ``source`` to the layers ``outputs``."""
    graph, weights = onnx_parts(model.spec, model.tensors, outputs=outputs, source=source)
    options = session_options(threads)
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array)) for array in weights.values()]
    options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """How every session of ours runs: on so many threads, which sleep when there is nothing to do."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # Threads that spin while they wait take the cores that decode the next photographs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
