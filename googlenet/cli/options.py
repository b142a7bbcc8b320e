"""Options that several verbs have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from googlenet.weights.model_file import SealedModel

Resize = Literal["shorter-side", "warp", "none"]
Json = Annotated[bool, Parameter(name="--json", negative="", help="one JSON document on standard output")]
Engine = Annotated[
    Literal["auto", "onnxruntime", "openvino", "torch", "tensorflow"],
    Parameter(help="what computes, onnxruntime by default; auto: the fastest that answers right on this machine"),
]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "int8"],
    Parameter(help="auto is fp32, with --engine auto also bf16 where it answers right; int8 needs an int8 export"),
]


def split_seed(model: SealedModel, seed: int | None) -> int:
    """The seed of the split that the model was trained on, unless another one is given."""
    if seed is not None:
        return seed
    settings = model.record.get("settings")
    own = settings.get("seed") if isinstance(settings, dict) else None
    return own if isinstance(own, int) else 0
