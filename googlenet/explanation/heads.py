"""What the auxiliary heads say of a photograph, where a model has kept them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from googlenet.engines import Engine
from googlenet.engines.softmax import softmax
from googlenet.errors import SpecError
from googlenet.spec import OUTPUTS
from googlenet.weights.model_file import SealedModel


@dataclass(frozen=True, eq=False)
class Opinions:
    """Per auxiliary head, ``aux1`` and ``aux2``, its probabilities (classes,); or none, and ``absent`` says why."""

    probabilities: dict[str, NDArray[np.float32]]
    absent: str = ""


def head_opinions(model: SealedModel, engine: Engine, image: NDArray[np.float32]) -> Opinions:
    """The opinions on one prepared image, (3, height, width)."""
    names = {head: layer for head, layer in model.spec.outputs.items() if layer != OUTPUTS["main"]}
    if not names:
        return Opinions({}, "This model has no auxiliary heads: they serve training, and were dropped after it.")
    try:
        found = engine.activations(image[None], list(names.values()))
    except SpecError as error:
        return Opinions({}, f"The auxiliary heads cannot look at pictures of this size: {error}.")
    return Opinions({head: softmax(found[layer][0]) for head, layer in names.items()})
