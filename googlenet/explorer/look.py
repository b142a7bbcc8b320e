"""One photograph looked at through the whole network: everything that the page shows of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.engines.onnxruntime_engine import OnnxRuntimeEngine
from googlenet.explanation.cam import cam_layer
from googlenet.explanation.view import look
from googlenet.explorer.branches import Branch, concatenation, module_branches
from googlenet.explorer.evidence import evidence_for
from googlenet.explorer.maps import layer_maps, strongest
from googlenet.explorer.network import computing_layers, explored_spec
from googlenet.explorer.opinions import likeliest, opinion
from googlenet.explorer.switches import switched_off
from googlenet.explorer.thumbnails import photograph_image
from googlenet.spec import OUTPUTS
from googlenet.weights.model_file import SealedModel

Values = dict[str, NDArray[np.float32]]


class Looker:
    """A model opened once, to look through it at many photographs."""

    def __init__(self, model: SealedModel) -> None:
        self.model = model
        self.spec = explored_spec(model)
        self._engine = OnnxRuntimeEngine(model)
        self._branches = module_branches(self.spec)

    def look(self, path: Path) -> dict[str, Any]:
        """What the page shows of the image file ``path``, as JSON values. Raises ``ImageError``."""
        view = look(path, self.model.preprocessing)
        names = [layer.name for layer in computing_layers(self.spec)]
        found = self._engine.activations(view.input[None], names)
        values = {name: value[0] for name, value in found.items()}
        top = likeliest(values[OUTPUTS["main"]])
        return {
            "name": path.name,
            "image": photograph_image(view.seen),
            "opinions": {head: opinion(values[layer]) for head, layer in self.spec.outputs.items()},
            "layers": {name: layer_maps(values[name]) for name in names if name not in self.spec.outputs.values()},
            "modules": {name: concatenation(parts, values[f"{name}/output"]) for name, parts in self._branches.items()},
            "evidence": self._evidence(values, top),
            "switches": {name: self._switches(name, parts, values, top) for name, parts in self._branches.items()},
        }

    def _evidence(self, values: Values, top: list[int]) -> list[dict[str, Any]]:
        last = cam_layer(self.spec)
        return evidence_for(self.model, values[last], self._branches[last.removesuffix("/output")], top)

    def _switches(self, module: str, branches: tuple[Branch, ...], values: Values, top: list[int]) -> dict[str, Any]:
        """The channels that can be switched off are those that are shown: the strongest of each branch."""
        channels = [part.channels[i] for part in branches for i in strongest(values[part.end])]
        output = f"{module}/output"
        return switched_off(self._engine, output, values[output], branches, channels=channels, classes=top)
