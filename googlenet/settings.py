"""The settings of each verb: validated when they are made, frozen afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

Precision = Literal["auto", "fp32", "bf16"]
Framework = Literal["torch", "tensorflow", "jax"]
Optimiser = Literal["sgd", "adamw"]
Schedule = Literal["one-cycle", "steps", "constant"]
Doctor = Literal["watch", "fix", "off"]


class TrainSettings(BaseModel):
    """Everything that a training run depends on, besides the data and the versions of the software."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    variant: str = "batch_norm"
    aux_heads: bool = True
    weights: Path | None = None  # a sealed model or a .caffemodel to start from
    frozen: tuple[str, ...] = ()  # blocks that are not trained: the first part of their layers' names
    image_size: int = Field(default=224, ge=64, le=1024)  # pixels, the greatest in training
    first_size: int | None = Field(default=None, ge=64, le=1024)  # pixels, at the beginning; None: the same throughout
    test_size: int | None = Field(default=None, ge=64, le=1200)  # pixels, of the sealed model; None: as in training
    batch_size: int = Field(default=32, ge=2)
    epochs: float = Field(default=30, gt=0)
    optimiser: Optimiser = "sgd"
    nesterov: bool = True  # momentum of sgd: Nesterov's, else the plain one
    adam_beta2: float = Field(default=0.99, ge=0, lt=1)  # of what adamw remembers of the squares, per step
    learning_rate: float = Field(default=0.05, gt=0)  # the highest, after the warm-up
    schedule: Schedule = "one-cycle"  # after the warm-up: half a cosine, or -4 % every 8 epochs, or no change
    warmup: float = Field(default=0.1, ge=0, lt=1)  # fraction of the steps
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=2e-4, ge=0)  # not on biases and norms
    clip_norm: float = Field(default=20.0, gt=0)  # of the whole gradient
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    aux_weight: float = Field(default=0.3, ge=0)  # of each auxiliary head's loss (paper, section 5)
    average_decay: float = Field(default=0.99, ge=0, lt=1)  # per step, of the weights' moving average
    class_weights: bool = False  # weigh each class by the inverse of its number of images
    crop_area: tuple[float, float] = (0.35, 1.0)  # fraction of the picture in a training crop
    flip: bool = True
    trivial_augment: bool = False
    erase: float = Field(default=0.0, ge=0, le=1)  # probability that a random rectangle becomes noise
    any_filter: bool = False  # resize crops by a filter drawn from four, as the paper
    photometric: bool = False  # brightness, contrast, colour and lighting changed at random, as the paper
    rotate: float = Field(default=0.0, ge=0, le=180)  # degrees either way
    shift: float = Field(default=0.0, ge=0, le=0.5)  # fraction of the side
    framework: Framework = "torch"  # what computes; the model is the same
    precision: Precision = "auto"
    checkpoint_seconds: float = Field(default=120, ge=0)  # between checkpoints; changes nothing that is learned
    doctor: Doctor = "watch"  # fix: apply the remedy and begin again, once
    seed: int = Field(default=0, ge=0)
    member: int = Field(default=0, ge=0)  # of an ensemble: each sees the images in another order, otherwise augmented
    width: float = Field(default=1.0, ge=1, le=4)  # of the modules, beginning as the network of width 1

    @field_validator("first_size")
    @classmethod
    def _sizes_rise(cls, first: int | None, info: ValidationInfo) -> int | None:
        last = info.data.get("image_size")
        if first is not None and last is not None and first > last:
            raise ValueError(f"is larger than image_size {last}; give at most that, pictures grow in training")
        return first

    @property
    def sealed_size(self) -> int:
        """Pixels of the sealed model's input."""
        return self.test_size or self.image_size

    @property
    def only_size(self) -> int | None:
        """Pixels of all that the network ever sees; None where it sees several sizes."""
        return self.image_size if {self.first_size, self.test_size} <= {None, self.image_size} else None


ExportTarget = Literal["onnx", "openvino", "savedmodel", "litert", "pt2", "safetensors"]
ExportPrecision = Literal["fp32", "fp16", "int8"]


class ExportSettings(BaseModel):
    """What ``googlenet export`` is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: ExportTarget = "onnx"
    precision: ExportPrecision = "fp32"
    batch: int | None = Field(default=None, ge=1, le=4096)  # images at once; None: any number
    with_preprocessing: bool = False  # resize, crop and normalise inside the graph
    max_drop: float = Field(default=0.5, ge=0, le=100)  # points of validation accuracy that int8 may lose

    @model_validator(mode="after")
    def _precision_is_real(self) -> ExportSettings:
        if self.with_preprocessing and (self.to != "onnx" or self.precision == "int8"):
            raise ValueError("--with-preprocessing is for --to onnx in fp32 or fp16; leave it out, or take that")
        allowed = EXPORT_PRECISIONS[self.to]
        if self.precision not in allowed:
            raise ValueError(f"--{self.precision} is not for --to {self.to}, which can be {', '.join(allowed)}")
        return self


EXPORT_PRECISIONS: dict[ExportTarget, tuple[ExportPrecision, ...]] = {
    "onnx": ("fp32", "fp16", "int8"),
    "openvino": ("fp32", "fp16", "int8"),
    "savedmodel": ("fp32",),
    "litert": ("fp32", "fp16"),
    "pt2": ("fp32",),
    "safetensors": ("fp32",),
}
"""Which precisions each target really has."""
