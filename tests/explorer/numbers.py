"""Every number that the page can show, computed again: from PyTorch's activations and the tensors' own sizes."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from googlenet.describe.table import compute_table
from googlenet.network.torch_net import GoogLeNet
from googlenet.spec import Spec
from tests.explorer.reference import Case, probabilities

# Szegedy et al., Table 1, the two last columns: K parameters, M operations.
TABLE_1 = {
    "conv1": (2.7, 34), "conv2": (112, 360), "inception_3a": (159, 128), "inception_3b": (380, 304),
    "inception_4a": (364, 73), "inception_4b": (437, 88), "inception_4c": (463, 100), "inception_4d": (580, 119),
    "inception_4e": (840, 170), "inception_5a": (1072, 54), "inception_5b": (1388, 71), "loss3": (1000, 1),
}  # fmt: skip


class Numbers:
    """``wanted(kind, where)`` is what an element with these data attributes must say, as a number or a shape."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.branches = {
            name: {part["end"]: range(part["first"], part["first"] + part["channels"]) for part in module["branches"]}
            for name, module in case.look["modules"].items()
        }  # where they lie; that they lie there, test_look.py shows

    def wanted(self, kind: str, where: dict[str, str]) -> float | tuple[int, ...]:
        form, _, what = kind.partition("-")
        if form in ("naive", "reduced", "ratio"):
            return self._cost(form, what, where)
        return getattr(self, f"_{kind.replace('-', '_')}")(where)

    # The network: sizes of tensors and of what comes out.

    def _shape(self, where: dict[str, str]) -> tuple[int, ...]:
        shape = self.case.values[where["layer"]].shape
        channels, height, width = shape if len(shape) == 3 else (*shape, 1, 1)
        return height, width, channels

    def _parameters(self, where: dict[str, str]) -> int:
        return sum(tensor.numel() for tensor in self.case.net.layers[where["layer"]].parameters())

    def _macs(self, where: dict[str, str]) -> int:
        return _macs(self.case.net, self.case.values, where["layer"])

    def _block_parameters(self, where: dict[str, str]) -> int:
        return sum(self._parameters({"layer": layer}) for layer in self._layers(where["block"]))

    def _block_weights(self, where: dict[str, str]) -> int:
        return sum(_weights(self.case.net, layer) for layer in self._layers(where["block"]))

    def _block_macs(self, where: dict[str, str]) -> int:
        return sum(self._macs({"layer": layer}) for layer in self._layers(where["block"]))

    _block_macs_exact = _block_macs

    def _block_field(self, where: dict[str, str]) -> int:  # held against perturbed images in tests/describe
        spec, size = self.case.model.spec, self.case.model.preprocessing.crop_size
        return compute_table(spec, size).block(where["block"]).field

    def _total_parameters(self, _: dict[str, str]) -> int:
        return sum(self._parameters({"layer": layer}) for layer in self._main)

    def _total_weights(self, _: dict[str, str]) -> int:
        return sum(_weights(self.case.net, layer) for layer in self._main)

    def _total_macs(self, _: dict[str, str]) -> int:
        return sum(self._macs({"layer": layer}) for layer in self._main)

    def _printed_parameters(self, where: dict[str, str]) -> float:
        return TABLE_1[where["block"]][0]

    def _printed_operations(self, where: dict[str, str]) -> float:
        return TABLE_1[where["block"]][1]

    @property
    def _main(self) -> list[str]:
        return [layer for layer in self.case.values if not layer.startswith(("loss1/", "loss2/"))]

    def _layers(self, block: str) -> list[str]:
        return [layer for layer in self.case.values if layer.startswith(f"{block}/")]

    # With and without reductions: by the formulas of the paper's Figure 2.

    def _cost(self, form: str, what: str, where: dict[str, str]) -> float:
        if form == "ratio":
            return self._cost("naive", what, where) / self._cost("reduced", what, where)
        if what.startswith("layer-"):
            block, part = where["layer"].split("/")
            weights = self._module_weights(block, form)[part]
            return weights * (self._places(block) if what == "layer-macs" else 1)
        if where["block"] == "main path":
            return self._whole(form)[what == "macs"]
        weights = sum(self._module_weights(where["block"], form).values())
        return weights * (self._places(where["block"]) if what == "macs" else 1)

    def _module_weights(self, block: str, form: str) -> dict[str, int]:
        own = {layer.split("/")[1]: _weights(self.case.net, layer) for layer in self._layers(block)}
        if form == "reduced":
            return own
        source = self.case.net.layers[f"{block}/1x1"].in_channels
        count = {part: self.case.values[f"{block}/{part}"].shape[0] for part in ("1x1", "3x3", "5x5")}
        kernel = self.case.model.spec.kernel5x5
        return {
            "1x1": source * count["1x1"],
            "3x3": 9 * source * count["3x3"],
            "5x5": kernel**2 * source * count["5x5"],
        }

    def _places(self, block: str) -> int:
        return int(np.prod(self.case.values[f"{block}/output"].shape[1:]))

    def _whole(self, form: str) -> tuple[int, int]:
        return self._naive if form == "naive" else (self._total_weights({}), self._total_macs({}))

    @cached_property
    def _naive(self) -> tuple[int, int]:
        spec: Spec = replace(self.case.model.spec, reductions=False, aux_heads=False)
        net = GoogLeNet(spec).eval()
        with torch.inference_mode():
            values = {name: value[0].numpy() for name, value in net.activations(self.case.image).items()}
        return sum(_weights(net, layer) for layer in values), sum(_macs(net, values, layer) for layer in values)

    # The photograph.

    def _maps(self, where: dict[str, str]) -> np.ndarray:
        return self.case.values[where["layer"]].astype(np.float64)

    def _mean(self, where: dict[str, str]) -> float:
        return float(self._maps(where)[int(where["channel"])].mean())

    def _max(self, where: dict[str, str]) -> float:
        return float(self._maps(where)[int(where["channel"])].max())

    def _layer_mean(self, where: dict[str, str]) -> float:
        return float(self._maps(where).mean())

    def _layer_max(self, where: dict[str, str]) -> float:
        return float(self._maps(where).max())

    def _silent(self, where: dict[str, str]) -> int:
        maps = self._maps(where)
        return int((maps.reshape(len(maps), -1) == 0).all(1).sum())

    _branch_silent = _silent

    def _branch_channels(self, where: dict[str, str]) -> int:
        return len(self._maps(where))

    def _share(self, where: dict[str, str]) -> float:
        whole = self._maps({"layer": f"{where['layer'].split('/')[0]}/output"})
        return float(self._maps(where).mean((1, 2)).sum() / whole.mean((1, 2)).sum())

    def _profile(self, where: dict[str, str]) -> float:
        return self._mean({"layer": f"{where['module']}/output", "channel": where["channel"]})

    # The answer, whole and with parts switched off.

    def _probability(self, where: dict[str, str]) -> float:
        zeros: dict[str, list[int]] = {}
        if "branches" in where:
            parts = zip(where["branches"], self.branches[where["module"]].values(), strict=True)
            zeros[f"{where['module']}/output"] = [i for on, part in parts if on == "0" for i in part]
        elif "channel" in where:
            zeros[f"{where['module']}/output"] = [int(where["channel"])]
        values = self.case.run(zeros) if zeros else self.case.values
        return float(probabilities(values["loss3/classifier"])[int(where["class"])])

    def _head_probability(self, where: dict[str, str]) -> float:
        logits = self.case.values[self.case.model.spec.outputs[where["head"]]]
        return float(probabilities(logits)[int(where["class"])])

    # The evidence.

    def _logit(self, where: dict[str, str]) -> float:
        return float(self.case.values["loss3/classifier"][int(where["class"])])

    def _bias(self, where: dict[str, str]) -> float:
        return float(self._classifier.bias.detach()[int(where["class"])])

    def _evidence(self, where: dict[str, str]) -> float:
        return self._logit(where) - self._bias(where)

    def _place(self, where: dict[str, str]) -> float:
        spoken = self._spoken(where)
        return float(spoken[:, int(where["row"]), int(where["column"])].sum())

    def _evidence_branch(self, where: dict[str, str]) -> float:
        return float(self._spoken(where)[self.branches["inception_5b"][where["layer"]]].sum())

    def _evidence_channel(self, where: dict[str, str]) -> float:
        return float(self._spoken(where)[int(where["channel"])].sum())

    def _spoken(self, where: dict[str, str]) -> np.ndarray:
        maps = self._maps({"layer": "inception_5b/output"})
        weights = self._classifier.weight[int(where["class"])].detach().double().numpy()
        return weights[:, None, None] * maps / maps[0].size

    @property
    def _classifier(self) -> Any:
        return self.case.net.layers["loss3/classifier"]


def _weights(net: GoogLeNet, layer: str) -> int:
    module: Any = net.layers[layer]
    return module.weight.numel() if hasattr(module, "in_channels") or hasattr(module, "in_features") else 0


def _macs(net: GoogLeNet, values: dict[str, np.ndarray], layer: str) -> int:
    module: Any = net.layers[layer]
    return values[layer].size * module.weight[0].numel() if _weights(net, layer) else 0
