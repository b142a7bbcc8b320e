"""The network as the page draws it: what ``googlenet describe`` computes, with the wiring and the colours."""

from __future__ import annotations

from typing import Any

from googlenet.describe.drawing.scene import TONES
from googlenet.describe.drawing.words import tone
from googlenet.describe.render import as_json
from googlenet.describe.table import compute_table
from googlenet.errors import SpecError
from googlenet.explanation.cam import cam_layer
from googlenet.layers import Dropout, Layer
from googlenet.spec import AUX_HEADS, INPUT, Spec
from googlenet.weights.model_file import SealedModel


def explored_spec(model: SealedModel) -> Spec:
    """The network that is shown: without its heads where the model's own image size does not suit them."""
    try:
        model.spec.shapes(model.preprocessing.crop_size)
    except SpecError:
        return model.spec.without_heads()
    return model.spec


def network_json(model: SealedModel) -> dict[str, Any]:
    """``googlenet describe --json`` for the model's own image size, and what the drawing needs beside it.

    ``wiring``: layer -> the layers it reads and its tone. ``heads``: head -> the module that it leaves.
    """
    spec = explored_spec(model)
    document = as_json(compute_table(spec, model.preprocessing.crop_size))
    return document | {
        "input": INPUT,
        "last_maps": cam_layer(spec),
        "reductions": spec.reductions,
        "batch_norm": spec.batch_norm is not None,
        "heads": {head: f"inception_{module}" for module, head in AUX_HEADS.items()} if spec.aux_heads else {},
        "wiring": {layer.name: {"inputs": layer.inputs, "tone": tone(layer)} for layer in spec.layers},
        "outputs": spec.outputs,
    }


def computing_layers(spec: Spec) -> tuple[Layer, ...]:
    """All layers but the dropouts, which pass on what they get once a network is trained."""
    return tuple(layer for layer in spec.layers if not isinstance(layer, Dropout))


def tone_css() -> str:
    """The colours of describe's drawings as CSS variables: ``--conv3x3`` to fill, ``--conv3x3-line`` to outline."""
    rules = (
        f"--{name}: light-dark({tone.fill}, {tone.dark_fill}); "
        f"--{name}-line: light-dark({tone.stroke}, {tone.dark_stroke});"
        for name, tone in TONES.items()
    )
    return ":root {\n  " + "\n  ".join(rules) + "\n}\n"
