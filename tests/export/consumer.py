"""Somebody else's program: NumPy after Pillow has unpacked the file, written from docs/export.md and nothing else.

Each of its faults is one that such programs have.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

FAULTS = {
    "bgr": ("decode", "BGR"),
    "black": ("decode", "black"),
    "gray one channel": ("decode", "gray picture keeps one channel"),
    "gray red only": ("decode", "first channel only"),
    "cmyk added": ("decode", "CMYK added"),
    "cmyk inverted": ("decode", "Adobe"),
    "exif ignored": ("orient", "EXIF ignored"),
    "nearest": ("resize", "nearest"),
    "no antialias": ("resize", "bilinear without antialias"),
    "bicubic": ("resize", "bicubic"),
    "other rule": ("resize", "instead of"),
    "rounded down": ("resize", "rounded down"),
    "corner": ("crop", "not centre-cropped"),
    "no crop": ("crop", "squeezed"),
    "off by one": ("crop", "off by one"),
    "swapped": ("normalise", "channels swapped"),
    "0-1": ("normalise", "0–1 instead of 0–255"),
    "imagenet": ("normalise", "ImageNet"),
    "no mean": ("normalise", "mean left out"),
    "raw": ("normalise", "raw 0–255"),
    "nhwc": ("normalise", "NHWC instead of NCHW"),
    "softmax": ("logits", "softmaxed"),
    "reordered": ("logits", "classes reordered"),
}
"""Name -> the step it is in and a part of the words that must name it."""


class Consumer:
    """Runs the golden probes as its author thinks right."""

    def __init__(self, folder: Path, fault: str = "") -> None:
        self.folder, self.fault = folder, fault
        self.contract = json.loads((folder / "contract.json").read_text(encoding="utf-8"))
        self.rule = self.contract["preprocessing"]
        self.session = onnxruntime.InferenceSession(folder / self.contract["model"])

    def trace(self) -> dict[str, np.ndarray]:
        """Every step of every probe: «probe/step» -> array."""
        found = {}
        for name in self.contract["probes"]:
            with Image.open(self.folder / "probes" / name) as image:
                decoded = self._decode(image)
                tag = 1 if self.fault == "exif ignored" else image.getexif().get(0x0112, 1)
            upright = decoded[::-1].swapaxes(0, 1) if tag == 6 else decoded
            resized = self._resize(upright if upright.ndim == 3 else upright[..., None].repeat(3, 2))
            cropped = self._crop(resized)
            normalised = self._normalise(cropped)
            steps = {"decode": decoded, "orient": upright, "resize": resized, "crop": cropped, "normalise": normalised}
            found |= {f"{name}/{step}": array for step, array in steps.items()}
            if self.fault != "nhwc":  # the runtime refuses that one
                found[f"{name}/logits"] = self._logits(normalised)
        return found

    def _decode(self, image: Image.Image) -> np.ndarray:
        values = np.asarray(image).astype(np.float64)
        if image.mode == "L":
            if self.fault == "gray one channel":
                return values.astype(np.uint8)
            values = np.stack([values] * 3, axis=-1)
            if self.fault == "gray red only":
                values[..., 1:] = 0
        elif image.mode == "RGBA":
            alpha = values[..., 3:] / 255
            values = values[..., :3] * alpha + (0 if self.fault == "black" else 255) * (1 - alpha)
        elif image.mode == "CMYK":
            inks = 255 - values if self.fault == "cmyk inverted" else values
            values = (255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255
            if self.fault == "cmyk added":
                values = 255 - np.minimum(255, inks[..., :3] + inks[..., 3:])
        pixels = np.rint(values).astype(np.uint8)
        return pixels[..., ::-1] if self.fault == "bgr" else pixels

    def _resize(self, pixels: np.ndarray) -> np.ndarray:
        height, width = pixels.shape[:2]
        target = self.rule["resize_size"]
        warp = (self.rule["resize"] == "warp") != (self.fault == "other rule")
        rounding = int if self.fault == "rounded down" else round
        shorter = min(height, width)
        sizes = (target, target) if warp else tuple(rounding(side * target / shorter) for side in (height, width))
        values = pixels.astype(np.float64)
        for axis, size in zip((1, 0), sizes[::-1], strict=True):
            values = np.moveaxis(self._matrix(pixels.shape[axis], size) @ np.moveaxis(values, axis, -2), -2, axis)
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)

    def _matrix(self, source: int, target: int) -> np.ndarray:
        """The weights (target, source) of one axis: a triangle as wide as the reduction."""
        factor = source / target
        centre = (np.arange(target)[:, None] + 0.5) * factor - 0.5
        distance = np.abs(np.arange(source)[None] - centre)
        if self.fault == "nearest":
            chosen = np.floor((np.arange(target)[:, None] + 0.5) * factor)
            return (np.arange(source)[None] == chosen).astype(np.float64)
        width = 1.0 if self.fault == "no antialias" else max(1.0, factor)
        x = distance / width
        if self.fault == "bicubic":
            near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
            weights = np.where(x < 1, near, np.where(x < 2, far, 0))
        else:
            weights = np.maximum(0, 1 - x)
        return weights / weights.sum(1, keepdims=True)

    def _crop(self, pixels: np.ndarray) -> np.ndarray:
        size = self.rule["crop_size"]
        top, left = ((side - size) // 2 for side in pixels.shape[:2])
        if self.fault == "corner":
            top = left = 0
        if self.fault == "off by one":
            top, left = (-((size - side) // 2) for side in pixels.shape[:2])
        if self.fault == "no crop":
            return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))
        return pixels[top : top + size, left : left + size]

    def _normalise(self, pixels: np.ndarray) -> np.ndarray:
        mean, scale = np.array(self.rule["mean"]), np.array(self.rule["scale"])
        bgr = (self.rule["channel_order"] == "BGR") != (self.fault == "swapped")
        values = pixels[..., ::-1].astype(np.float64) if bgr else pixels.astype(np.float64)
        if self.fault == "0-1":
            values = values / 255
        if self.fault == "imagenet":
            mean, scale = np.array([123.675, 116.28, 103.53]), 1 / np.array([58.395, 57.12, 57.375])
        if self.fault == "no mean":
            mean = np.zeros(3)
        if self.fault == "raw":
            mean, scale = np.zeros(3), np.ones(3)
        values = ((values - mean) * scale).astype(np.float32)
        return values if self.fault == "nhwc" else np.ascontiguousarray(values.transpose(2, 0, 1))

    def _logits(self, image: np.ndarray) -> np.ndarray:
        logits = self.session.run([self.contract["output"]], {self.contract["input"]["name"]: image[None]})[0][0]
        if self.fault == "softmax":
            logits = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        return logits[::-1] if self.fault == "reordered" else logits
