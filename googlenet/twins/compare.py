"""Two answers to the same job -> where they differ, by how much, and whether that is rounding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from googlenet.errors import TrainingError
from googlenet.spec import Spec
from googlenet.twins.job import Answer, Job

ACTIVATION_BAR = 1e-4
"""Of a layer's largest value: what float32 sums in another order may differ by, and more."""

TRAINING_BAR = 1e-3
"""Of the loss at each step, and of a tensor's largest value at the end."""

Tensors = Mapping[str, NDArray[np.floating]]


@dataclass(frozen=True)
class LayerDifference:
    """One layer; all figures are largest differences, relative to the largest value.

    The gradient's is the greatest over the layer's parameters; None where it has none. No bar holds for it: at a ReLU's
    edge or a tie in a max pool the gradient jumps, so that the least rounding shows. How far each framework is from
    PyTorch in float64 tells rounding (both are) from a fault (one is).
    """

    name: str
    activation: float
    gradient: float | None
    torch_from_float64: float | None  # of the gradient
    tensorflow_from_float64: float | None


@dataclass(frozen=True)
class Twins:
    """The comparison of one model in PyTorch and in TensorFlow."""

    variant: str
    images: int  # distinct ones
    image_size: int  # pixels
    batch_size: int
    rate: float
    layers: tuple[LayerDifference, ...]
    logits: Mapping[str, float]  # head -> largest difference, relative to the largest logit
    torch_losses: tuple[float, ...]
    tensorflow_losses: tuple[float, ...]
    float64_losses: tuple[float, ...]  # PyTorch's, without rounding
    weights: Mapping[str, float]  # tensor -> largest difference after the last step, relative to its largest value
    weights_rounding: float  # the same between PyTorch and its own float64, the largest
    moved: float  # how far training went: the largest relative change of a parameter in PyTorch
    versions: Mapping[str, str]

    @property
    def loss_differences(self) -> tuple[float, ...]:
        """At each step, relative to PyTorch's loss."""
        return _apart(self.torch_losses, self.tensorflow_losses)

    @property
    def rounding(self) -> tuple[float, ...]:
        """How far PyTorch's loss is from its own in float64 at each step."""
        return _apart(self.float64_losses, self.torch_losses)

    @property
    def worst_layer(self) -> LayerDifference:
        """That with the largest difference of activations."""
        return max(self.layers, key=lambda layer: layer.activation)

    @property
    def worst_weight(self) -> tuple[str, float]:
        """The tensor that differs most at the end, and by how much."""
        return max(self.weights.items(), key=lambda item: item[1])

    @property
    def faults(self) -> tuple[str, ...]:
        """What is beyond its bar, in words."""
        found = []
        beyond = [layer for layer in self.layers if not layer.activation <= ACTIVATION_BAR]
        if beyond:
            first, others = beyond[0], f" and {len(beyond) - 1} layers after it" if len(beyond) > 1 else ""
            found.append(
                f"the activations of {first.name}{others} (by {first.activation:.1e}, bar {ACTIVATION_BAR:.0e})"
            )
        steps = [step for step, value in enumerate(self.loss_differences, 1) if not value <= TRAINING_BAR]
        if steps:
            by = self.loss_differences[steps[0] - 1]
            found.append(f"the losses from step {steps[0]} on (by {by:.1e}, bar {TRAINING_BAR:.0e})")
        name, difference = self.worst_weight
        if not difference <= TRAINING_BAR:
            found.append(
                f"the weights after {len(self.torch_losses)} steps, most {name} "
                f"(by {difference:.1e}, bar {TRAINING_BAR:.0e})"
            )
        return tuple(found)

    @property
    def agree(self) -> bool:
        """Whether all is within its bar."""
        return not self.faults

    @property
    def verdict(self) -> str:
        """One sentence for a person."""
        if self.faults:
            return f"The twins differ: {'; '.join(self.faults)}.{self._cause}"
        return (
            f"The twins agree: activations within {self.worst_layer.activation:.1e} (bar {ACTIVATION_BAR:.0e}), "
            f"losses of {len(self.torch_losses)} steps within {max(self.loss_differences):.1e} and the weights after "
            f"them within {self.worst_weight[1]:.1e} (bar {TRAINING_BAR:.0e})."
        )

    @property
    def _cause(self) -> str:
        """Whether trainings that part do so by rounding: a training may amplify it without end."""
        figures = {
            "losses": (max(self.loss_differences), max(self.rounding)),
            "weights": (self.worst_weight[1], self.weights_rounding),
        }
        for what, (apart, own) in figures.items():
            if apart > TRAINING_BAR:
                is_rounding = own > 0.1 * apart
                words = "this training amplifies rounding" if is_rounding else "this is no rounding"
                return f" PyTorch's {what} are {own:.1e} from its own in float64: {words}."
        return ""

    def as_json(self) -> dict[str, Any]:
        """The document that ``googlenet twins --json`` prints (docs/cli.md)."""
        return {
            "agree": self.agree,
            "verdict": self.verdict,
            "variant": self.variant,
            "dtype": "float32",
            "images": self.images,
            "image_size": self.image_size,
            "batch_size": self.batch_size,
            "learning_rate": self.rate,
            "layers": [vars(layer) for layer in self.layers],
            "logits": dict(self.logits),
            "losses": {
                "torch": self.torch_losses,
                "tensorflow": self.tensorflow_losses,
                "float64": self.float64_losses,
                "difference": self.loss_differences,
            },
            "weights": {
                "difference": dict(self.weights),
                "torch_from_float64": self.weights_rounding,
                "moved": self.moved,
            },
            "versions": dict(self.versions),
        }


def compare(job: Job, answers: Mapping[str, Answer], versions: Mapping[str, str]) -> Twins:
    """Compare ``torch`` with ``tensorflow``, and both with ``float64``.

    Raises ``TrainingError`` where a loss is no number.
    """
    torch, tensorflow, exact, spec = answers["torch"], answers["tensorflow"], answers["float64"], job.model.spec
    for name, answer in (("PyTorch", torch), ("TensorFlow", tensorflow)):
        if wrong := np.flatnonzero(~np.isfinite(answer.losses)).tolist():
            raise TrainingError(
                f"{name}'s loss is {answer.losses[wrong[0]]} at step {wrong[0] + 1} of {job.steps}; "
                "give fewer --steps, or a model whose training does not break down"
            )
    return Twins(
        variant=spec.variant,
        images=len(job.labels),
        image_size=job.images.shape[2],
        batch_size=job.batch_size,
        rate=job.rate,
        layers=_layers(spec, answers),
        logits={
            head: _relative(torch.activations[at], tensorflow.activations[at]) for head, at in spec.outputs.items()
        },
        torch_losses=tuple(map(float, torch.losses)),
        tensorflow_losses=tuple(map(float, tensorflow.losses)),
        float64_losses=tuple(map(float, exact.losses)),
        weights={name: _relative(torch.weights[name], tensorflow.weights[name]) for name in spec.tensors},
        weights_rounding=max(_relative(exact.weights[name], torch.weights[name]) for name in spec.tensors),
        moved=max(_relative(job.model.tensors[name], torch.weights[name]) for name in spec.parameters),
        versions=versions,
    )


def _apart(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    return tuple(abs(b - a) / max(abs(a), 1e-12) for a, b in zip(ours, theirs, strict=True))


def _layers(spec: Spec, answers: Mapping[str, Answer]) -> tuple[LayerDifference, ...]:
    torch, tensorflow, exact = answers["torch"], answers["tensorflow"], answers["float64"]
    return tuple(
        LayerDifference(
            layer.name,
            _relative(torch.activations[layer.name], tensorflow.activations[layer.name]),
            _largest(torch.gradients, tensorflow.gradients, layer.parameters()),
            _largest(exact.gradients, torch.gradients, layer.parameters()),
            _largest(exact.gradients, tensorflow.gradients, layer.parameters()),
        )
        for layer in spec.layers
    )


def _largest(ours: Tensors, theirs: Tensors, names: Sequence[str] | Mapping[str, Any]) -> float | None:
    return max((_relative(ours[name], theirs[name]) for name in names), default=None)


def _relative(ours: NDArray[np.floating], theirs: NDArray[np.floating]) -> float:
    """The largest difference, relative to the largest value of either: 0 where both are nothing but zeros."""
    scale = max(float(np.abs(ours).max()), float(np.abs(theirs).max()))
    return float(np.abs(ours - theirs.reshape(ours.shape)).max()) / scale if scale else 0.0
