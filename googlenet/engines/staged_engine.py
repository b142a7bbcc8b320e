"""The network in three pieces, each ending at a head, so that an image may leave at the first head that is sure.

The auxiliary heads read 4a and 4d, where 62 and 82 % of the multiply-accumulates are done. The paper has them for
training alone; answering from them is BranchyNet's idea (Teerapittayanon et al., ICPR 2016, arXiv 1709.01686).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from googlenet.engines.answers import check_finite, check_images
from googlenet.engines.cores import usable_cores
from googlenet.engines.onnxruntime_engine import open_session
from googlenet.errors import SettingsError
from googlenet.spec import AUX_HEADS, INPUT, OUTPUTS
from googlenet.weights.model_file import SealedModel

HEADS = ("aux1", "aux2", "main")
_CUTS = tuple(f"inception_{module}/output" for module in AUX_HEADS)  # after which the auxiliary heads answer


class StagedEngine:
    """One model with auxiliary heads on onnxruntime, run piece by piece."""

    def __init__(self, model: SealedModel) -> None:
        """Open ``model``; raises ``SettingsError`` where it has no auxiliary heads."""
        if not model.spec.aux_heads:
            raise SettingsError(
                f"--early-exit: {model.path or 'the model'} has no auxiliary heads to answer early; "
                "train with --aux-heads, or leave --early-exit out"
            )
        self._model = model
        pieces = zip((INPUT, *_CUTS), HEADS, (*_CUTS, None), strict=True)
        self._names = [[OUTPUTS[head], *([end] if end else [])] for _, head, end in pieces]
        self._sources = (INPUT, *_CUTS)
        self._sessions = [
            open_session(model, usable_cores(), source, names)
            for source, names in zip(self._sources, self._names, strict=True)
        ]

    def run(self, piece: int, maps: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Piece 0, 1 or 2 on images, or on what the piece before gave: the head's logits (batch, classes), and the maps
        for the next piece, None after the last.

        Raises ``SpecError`` for images too small for the heads, ``ModelFileError`` when what comes out is no number.
        """
        if piece == 0:
            check_images(self._model, maps, list(OUTPUTS.values()))
        names = self._names[piece]
        found = dict(zip(names, self._sessions[piece].run(names, {self._sources[piece]: maps}), strict=True))
        check_finite(self._model, found)
        logits, *rest = found.values()
        return logits, rest[0] if rest else None
