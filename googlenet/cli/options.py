"""Options that several verbs have."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

Resize = Literal["shorter-side", "warp", "none"]
Json = Annotated[bool, Parameter(name="--json", negative="", help="one JSON document on standard output")]
Engine = Annotated[
    Literal["onnxruntime", "torch", "tensorflow"],
    Parameter(help="what computes, onnxruntime by default; the answers are the same"),
]
