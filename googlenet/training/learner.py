"""What a framework must do for the training loop, and where to find the one that does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from googlenet.data.batches import Batch
from googlenet.data.preprocess import Preprocessing
from googlenet.errors import MissingExtraError
from googlenet.network.keras_backend import use_backend
from googlenet.settings import Framework, TrainSettings
from googlenet.spec import Spec
from googlenet.training.precision import ChosenPrecision
from googlenet.training.tf_config import check_tf_config
from googlenet.training.vitals import Vitals
from googlenet.weights.model_file import Tensors

_LEARNERS: dict[Framework, tuple[str, str]] = {
    "torch": ("googlenet.training.torch_learner", "TorchLearner"),
    "tensorflow": ("googlenet.training.tensorflow_learner", "TensorFlowLearner"),
    "jax": ("googlenet.training.jax_learner", "JaxLearner"),
}
"""Framework -> module and class, imported only when it is asked for: no framework drags another one in."""


@dataclass(frozen=True)
class Step:
    """What the loop decides about one step."""

    rate: float  # of learning
    average_share: float  # what the weight average takes of the new weights, 0–1
    seed: int  # of the dropout, at most 31 bits


class Learner(Protocol):
    """A network in training on its framework, and the moving average of its weights, which is what gets saved."""

    precision: ChosenPrecision
    device: str  # in words
    threads: int
    packages: tuple[str, ...]  # whose versions the model records
    rank: int  # which of ``world`` processes this is: each sees its share of every batch
    world: int

    def __init__(
        self,
        spec: Spec,
        preprocessing: Preprocessing,
        settings: TrainSettings,
        class_weights: NDArray[np.float32] | None,
    ) -> None:
        """Settle on device and arithmetic, and build the network, its weights yet to be loaded."""

    def load(self, tensors: Tensors) -> None:
        """Begin anew from canonical weights; the average begins there too."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Weights, average and all that the optimiser remembers, to the bit: what ``restore`` goes on from."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Become what the learner was that gave ``state``, of the same spec and settings."""

    def step(self, batch: Batch, step: Step) -> dict[str, float]:
        """One step of the optimiser; returns means over the batch, all processes together.

        These are ``loss_main`` (and ``loss_aux1``, ``loss_aux2``), the fraction ``top1`` of right answers, and the
        ``gradient_norm`` before clipping.
        """

    def averaged(self) -> dict[str, NDArray[np.float32]]:
        """The canonical weights of the average, batch-norm statistics included."""

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The main logits (N, classes) by the average, for prepared images (N, 3, height, width)."""

    def features(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the main classifier reads, (N, features), for prepared images (N, 3, height, width)."""

    def vitals(self, images: NDArray[np.float32]) -> Vitals:
        """A look into the network in training, by prepared images (N, 3, height, width); what is trained stays as is.

        After a step whose ``gradient_norm`` is not finite: the weights before it, where the learner still has them.
        """


def find_learner(framework: Framework) -> type[Learner]:
    """The learner of a framework.

    Raises ``MissingExtraError`` when it is not installed or too old, ``SettingsError`` when Keras runs on another one
    or ``TF_CONFIG`` is wrong.
    """
    module, name = _LEARNERS[framework]
    if framework == "tensorflow":
        check_tf_config()
    if framework != "torch":
        use_backend(framework)
    try:
        if framework != "torch":
            import_module("googlenet.network.keras_import")  # looks at the versions; quiet
        found: type[Learner] = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name != framework:
            raise
        raise MissingExtraError(framework, framework) from error
    return found
