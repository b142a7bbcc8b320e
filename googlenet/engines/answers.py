"""What every engine looks at before and after it computes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import ModelFileError
from googlenet.weights.model_file import SealedModel


def check_images(model: SealedModel, images: NDArray[np.float32], names: Collection[str]) -> None:
    """Raise ``SpecError`` where (batch, 3, height, width) is too small for the layers ``names``.

    A framework would end with a riddle there. The auxiliary heads need larger images than the rest.
    """
    main = model.spec.without_heads()
    reaches_heads = not {layer.name for layer in main.layers}.issuperset(names)
    (model.spec if reaches_heads else main).shapes(images.shape[2:])


def check_finite(model: SealedModel, results: Mapping[str, NDArray[np.float32]]) -> None:
    """Raise ``ModelFileError`` where something that came out is no number."""
    for name, result in results.items():
        if not np.isfinite(result).all():
            raise ModelFileError(
                f"{model.path or 'the model'}: {name} is not a finite number for these images; "
                "the weights are of no use, train again or fetch another file"
            )
