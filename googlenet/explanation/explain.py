"""One photograph explained by one method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from googlenet.engines import Engine, open_engine
from googlenet.engines.softmax import softmax
from googlenet.errors import MissingExtraError, SettingsError
from googlenet.explanation.cam import cam_layer, class_activation_maps
from googlenet.explanation.maps import Map, answer_targets
from googlenet.explanation.occlusion import occlusion
from googlenet.explanation.view import View
from googlenet.layers import MaxPool
from googlenet.spec import Spec
from googlenet.weights.model_file import SealedModel

if TYPE_CHECKING:
    from googlenet.network.torch_net import GoogLeNet

Method = Literal["cam", "grad-cam", "layer-cam", "integrated-gradients", "occlusion"]
METHODS: tuple[Method, ...] = get_args(Method)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Explanation:
    """Which part of a photograph speaks for the answer, and which for it rather than for the runner-up."""

    method: Method
    layer: str | None  # None: the method looks at the pixels themselves
    view: View  # the photograph, and the square of it that the maps lie on
    logits: NDArray[np.float32]  # (classes,)
    probabilities: NDArray[np.float32]  # (classes,), 0 to 1, calibrated as the model is
    answer: int  # a class's index
    runner_up: int | None  # None in a model of one class
    for_answer: Map  # of the answer's logit
    against_runner_up: Map | None  # of the answer's logit less the runner-up's
    steps: int | None = None  # that integrated gradients took

    @property
    def maps(self) -> tuple[Map, ...]:
        """Both, or the one that there is."""
        return (self.for_answer,) if self.against_runner_up is None else (self.for_answer, self.against_runner_up)


class Explainer:
    """A model ready to be asked why. ``cam`` and ``occlusion`` run on ``engine``, the others on PyTorch."""

    def __init__(self, model: SealedModel, engine: Engine | None = None) -> None:
        self.model = model
        self.engine = engine or open_engine(model)

    def explain(
        self,
        view: View,
        method: Method = "cam",
        layer: str | None = None,
        *,
        targets: NDArray[np.float64] | None = None,
        progress: Progress = lambda done, total: None,
    ) -> Explanation:
        """Explain the model's answer for ``view``.

        Args:
            view: The photograph, as ``look`` gives it.
            method: One of ``METHODS``.
            layer: Where ``grad-cam`` and ``layer-cam`` look, by Caffe's name; by default at the last module's output,
                ``layer-cam`` at the last one that is twice as fine.
            targets: Other scores than those of ``answer_targets``, (1 or 2, classes).
            progress: Called with the steps done and their number.

        Raises:
            SpecError: There is no such layer.
            SettingsError: The method is unknown or cannot look at that layer.
            MissingExtraError: The method needs PyTorch, which is not installed.
        """
        place = layer_of(self.model, method, layer)
        logits = self.engine.logits(view.input[None])[0]
        wanted = answer_targets(logits) if targets is None else targets
        maps, steps = self._maps(view.input, method, place, wanted, progress)
        order = np.argsort(-logits, kind="stable")
        return Explanation(
            method=method,
            layer=place,
            view=view,
            logits=logits,
            probabilities=softmax(logits / np.float32(self.model.temperature)),
            answer=int(order[0]),
            runner_up=int(order[1]) if len(order) > 1 else None,
            for_answer=maps[0],
            against_runner_up=maps[1] if len(maps) > 1 else None,
            steps=steps,
        )

    def _maps(
        self,
        image: NDArray[np.float32],
        method: Method,
        layer: str | None,
        targets: NDArray[np.float64],
        progress: Progress,
    ) -> tuple[list[Map], int | None]:
        if method == "cam":
            return next(class_activation_maps(self.model, self.engine, image[None], [targets])), None
        if method == "occlusion":
            return occlusion(self.engine, image, targets, progress=progress), None
        net = self._net
        from googlenet.explanation import gradients

        if layer is None:
            return gradients.integrated_gradients(net, image, targets, progress=progress)
        at_layer = gradients.grad_cam if method == "grad-cam" else gradients.layer_cam
        return at_layer(net, image, layer, targets), None

    @cached_property
    def _net(self) -> GoogLeNet:
        try:
            from googlenet.explanation.gradients import open_net
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise MissingExtraError("torch", "torch") from error
        return open_net(self.model)


def layer_of(model: SealedModel, method: Method, layer: str | None) -> str | None:
    """The layer whose map the method draws, None for those that look at the pixels; raises as ``Explainer.explain``."""
    if method not in METHODS:
        raise SettingsError(f"method is {method!r}; known are: {', '.join(METHODS)}")
    main = model.spec.without_heads()
    if method in ("integrated-gradients", "occlusion"):
        if layer is not None:
            raise SettingsError(f"layer is {layer!r}, but {method} looks at the pixels; leave it out, or take grad-cam")
        return None
    last = cam_layer(main)
    if layer is None:
        return _finer_layer(main) if method == "layer-cam" else last
    shape = main.shapes(model.preprocessing.crop_size)[main.layer(layer).name]
    if shape[1] * shape[2] == 1:
        raise SettingsError(
            f"layer is {layer!r}, which has no places to point at; take one before it, such as {last!r}"
        )
    if method == "cam" and layer != last:
        raise SettingsError(f"layer is {layer!r}, but cam is of {last!r} alone; take grad-cam or layer-cam for others")
    return layer


def _finer_layer(spec: Spec) -> str:
    """What the last halving pool reads."""
    pools = [layer for layer in spec.layers if isinstance(layer, MaxPool) and layer.stride > 1]
    return pools[-1].inputs[0]
