"""What other people's programs usually do instead: each as a change of one step, to be tried against a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
from PIL import Image

from googlenet.data.preprocess import Filter, Preprocessing, Resize, resized_size, resized_window
from googlenet.export.stages import Array, Layout, Pipeline, Stage, in_layout, resized, turned

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and deviation of pixels 0–1, red first
_CAFFE = (123.0, 117.0, 104.0)  # mean of pixels 0–255, red first


@dataclass(frozen=True)
class Hypothesis:
    """A mistake: the step it is made in, in words, and the pipeline with it.

    ``unit``: what one level of the pixels is at ``normalise`` with it; None where that is as it should be.
    """

    stage: Stage
    words: str
    apply: Callable[[Pipeline], Pipeline]
    unit: float | None = None


def hypotheses(rule: Preprocessing, layout: Layout) -> list[Hypothesis]:
    """Every mistake known, for a model that wants ``rule``; those that change nothing do no harm, they fit no trace."""
    return [*_decoding(), *_orienting(rule), *_resizing(rule), *_cropping(rule), *_normalising(rule, layout)]


def _decoding() -> Iterator[Hypothesis]:
    def wrap(words: str, change: Callable[[Array], Array]) -> Hypothesis:
        return Hypothesis("decode", words, lambda p: replace(p, decode=lambda content: change(p.decode(content))))

    def instead(words: str, mode: str, make: Callable[[Image.Image], Image.Image | Array]) -> Hypothesis:
        """Only for files of ``mode``."""

        def apply(p: Pipeline) -> Pipeline:
            def decode(content: bytes) -> Array:
                image = Image.open(BytesIO(content))
                return np.asarray(make(image)) if image.mode == mode else p.decode(content)

            return replace(p, decode=decode)

        return Hypothesis("decode", words, apply)

    yield wrap("channels swapped: BGR instead of RGB", lambda pixels: pixels[..., ::-1])
    yield instead("a gray picture fills the first channel only, the others are 0", "L", _first_channel_only)
    yield instead("a gray picture keeps one channel (H, W)", "L", lambda image: image)
    yield instead("a gray picture keeps one channel (H, W, 1)", "L", lambda image: np.asarray(image)[..., None])
    yield instead("transparency dropped, not laid over white", "RGBA", lambda image: np.asarray(image)[..., :3])
    yield instead("transparency laid over black instead of white", "RGBA", _over_black)
    yield instead("transparency kept as a fourth channel", "RGBA", lambda image: image)
    yield instead("CMYK inverted: Adobe's inversion not undone", "CMYK", _cmyk_inverted)
    yield instead("CMYK added, R = 255 - min(255, C + K), not multiplied", "CMYK", _cmyk_added)
    yield instead("CMYK kept as four channels", "CMYK", lambda image: image)
    yield wrap("colours lost: everything turned gray", _gray)
    yield wrap("upside down", lambda pixels: pixels[::-1])
    yield wrap("mirrored", lambda pixels: pixels[:, ::-1])


def _first_channel_only(image: Image.Image) -> Array:
    gray = np.asarray(image)
    return np.stack([gray, np.zeros_like(gray), np.zeros_like(gray)], axis=-1)


def _over_black(image: Image.Image) -> Image.Image:
    black = Image.new("RGBA", image.size, "black")
    black.alpha_composite(image)
    return black.convert("RGB")


def _cmyk_inverted(image: Image.Image) -> Image.Image:
    return Image.frombytes("CMYK", image.size, (255 - np.asarray(image)).tobytes()).convert("RGB")


def _cmyk_added(image: Image.Image) -> Array:
    inks = np.asarray(image).astype(np.int32)
    added: Array = (255 - np.minimum(255, inks[..., :3] + inks[..., 3:])).astype(np.uint8)
    return added


def _gray(pixels: Array) -> Array:
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L").convert("RGB"))


def _orienting(rule: Preprocessing) -> Iterator[Hypothesis]:
    if rule.orientation == "ignore":
        yield Hypothesis(
            "orient", "EXIF orientation applied, which this model ignores", lambda p: replace(p, orient=turned)
        )
        return
    yield Hypothesis("orient", "EXIF ignored", lambda p: replace(p, orient=lambda content, pixels: pixels))
    yield Hypothesis(
        "orient",
        "EXIF turned the wrong way",
        lambda p: replace(p, orient=lambda content, pixels: _turned_back(content, pixels)),
    )


def _turned_back(content: bytes, pixels: Array) -> Array:
    upright = turned(content, pixels)
    return upright if upright is pixels else upright[::-1, ::-1]


def _resizing(rule: Preprocessing) -> Iterator[Hypothesis]:
    def hypothesis(words: str, resize: Callable[[Array], Array]) -> Hypothesis:
        return Hypothesis("resize", words, lambda p: replace(p, resize=resize))

    for changes, words in _other_rules(rule):
        other = rule.model_copy(update=changes)
        yield hypothesis(words, lambda pixels, other=other: resized(pixels, other))  # type: ignore[misc]
    yield hypothesis("width and height swapped", lambda pixels: _resized_to(pixels, _size(pixels, rule)[::-1], rule))
    yield hypothesis("the longer side, not the shorter, made resize_size", lambda pixels: _fitted(pixels, rule))
    yield hypothesis(
        "the size rounded down, not to the nearest",
        lambda pixels: _resized_to(pixels, _rounded_down(pixels, rule), rule),
    )
    yield hypothesis(
        "cut to the centre square first, then resized", lambda pixels: resized(_centre_square(pixels), rule)
    )


_FILTER_WORDS: dict[Filter, str] = {
    "bilinear": "bilinear with antialias",
    "bilinear-no-antialias": "bilinear without antialias (OpenCV's INTER_LINEAR)",
    "nearest": "nearest",
    "bicubic": "bicubic",
    "box": "box (area)",
    "lanczos": "Lanczos",
    "hamming": "Hamming",
}
_RULE_WORDS: dict[Resize, str] = {
    "warp": "warped to a square",
    "shorter-side": "shape kept, shorter side resized",
    "none": "not resized",
}


def _other_rules(rule: Preprocessing) -> Iterator[tuple[dict[str, object], str]]:
    """Each change of filter, rule and size, alone or together, the likelier first."""
    sizes = {rule.crop_size: f"to {rule.crop_size} at once, without a margin to crop", rule.resize_size: ""}
    for size, size_words in sizes.items():
        for way, way_words in _RULE_WORDS.items():
            for filter, filter_words in _FILTER_WORDS.items():
                if way == "none" and (filter != rule.filter or size != rule.resize_size):
                    continue
                words = (
                    f"{filter_words} instead of {_FILTER_WORDS[rule.filter]}" if filter != rule.filter else "",
                    f"{way_words} instead of {_RULE_WORDS[rule.resize]}" if way != rule.resize else "",
                    size_words,
                )
                if any(words):
                    changes: dict[str, object] = {"resize_size": size, "resize": way, "filter": filter}
                    yield changes, "; ".join(part for part in words if part)


def _size(pixels: Array, rule: Preprocessing) -> tuple[int, int]:
    return resized_size((pixels.shape[1], pixels.shape[0]), rule)


def _resized_to(pixels: Array, size: tuple[int, int], rule: Preprocessing) -> Array:
    return np.asarray(resized_window(Image.fromarray(pixels), size, (0, 0, *size), rule.filter))


def _rounded_down(pixels: Array, rule: Preprocessing) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    if rule.resize != "shorter-side":
        return _size(pixels, rule)
    return width * rule.resize_size // min(height, width), height * rule.resize_size // min(height, width)


def _fitted(pixels: Array, rule: Preprocessing) -> Array:
    height, width = pixels.shape[:2]
    factor = rule.resize_size / max(height, width)
    return _resized_to(pixels, (max(1, round(width * factor)), max(1, round(height * factor))), rule)


def _centre_square(pixels: Array) -> Array:
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _cropping(rule: Preprocessing) -> Iterator[Hypothesis]:
    size = rule.crop_size

    def hypothesis(words: str, crop: Callable[[Array], Array]) -> Hypothesis:
        return Hypothesis("crop", words, lambda p: replace(p, crop=crop))

    def cut(pixels: Array, top: int, left: int) -> Array:
        return pixels[max(0, top) : max(0, top) + size, max(0, left) : max(0, left) + size]

    def whole(pixels: Array) -> Array:
        return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))

    yield hypothesis("not cropped", lambda pixels: pixels)
    yield hypothesis("not centre-cropped: the top left corner taken", lambda pixels: cut(pixels, 0, 0))
    yield hypothesis("the whole picture squeezed instead of cropped", whole)
    yield hypothesis(
        "off by one pixel: (size - crop) / 2 rounded up",
        lambda pixels: cut(pixels, -((size - pixels.shape[0]) // 2), -((size - pixels.shape[1]) // 2)),
    )
    yield hypothesis(
        "not centre-cropped: the bottom right corner taken",
        lambda pixels: cut(pixels, pixels.shape[0] - size, pixels.shape[1] - size),
    )


def _normalising(rule: Preprocessing, layout: Layout) -> Iterator[Hypothesis]:
    right = (np.array(rule.mean), np.array(rule.scale))
    other_order = "BGR" if rule.channel_order == "RGB" else "RGB"
    swapped_words = f"channels swapped: {other_order} instead of {rule.channel_order}"
    other_layout: Layout = "NHWC" if layout == "NCHW" else "NCHW"
    ways = [("", *right), *_other_numbers(rule)]
    for form, form_words in ((layout, ""), (other_layout, f"laid out {other_layout} instead of {layout}")):
        for order, order_words in ((rule.channel_order, ""), (other_order, swapped_words)):
            for words, mean, scale in ways:
                said = "; ".join(part for part in (order_words, words, form_words) if part)
                if said:
                    yield _normalised(said, _normaliser(mean, scale, order, form), float(np.abs(scale).max()))


def _normalised(words: str, normalise: Callable[[Array], Array], unit: float) -> Hypothesis:
    return Hypothesis("normalise", words, lambda p: replace(p, normalise=normalise), unit)


def _normaliser(mean: Array, scale: Array, order: str, layout: Layout) -> Callable[[Array], Array]:
    step = 1 if order == "RGB" else -1

    def normalise(pixels: Array) -> Array:
        values = (pixels[..., ::step] - mean) * scale
        return in_layout(values.astype(np.float32).transpose(2, 0, 1), layout)

    return normalise


def _other_numbers(rule: Preprocessing) -> Iterator[tuple[str, Array, Array]]:
    """Words, mean and scale of other ways from pixels 0–255 to the network's input."""
    mean, scale = np.array(rule.mean), np.array(rule.scale)
    zero, one = np.zeros(3), np.ones(3)
    yield "0–1 instead of 0–255: pixels divided by 255 before mean and scale", mean * 255, scale / 255
    yield "mean and scale left out: raw 0–255", zero, one
    yield "mean and scale left out: pixels divided by 255", zero, one / 255
    yield "mean left out", zero, scale
    yield "scale left out", mean, one
    yield "mean in the other channel order", mean[::-1], scale
    yield "mean and scale in the other channel order", mean[::-1], scale[::-1]
    yield "wrong mean and scale: -1 to 1", one * 127.5, one / 127.5
    for step in (1, -1) if rule.channel_order == "RGB" else (-1, 1):  # their own order, and the one that fits
        imagenet_mean, imagenet_std, caffe = (np.array(part[::step]) for part in (*_IMAGENET, _CAFFE))
        yield "wrong mean and scale: ImageNet's of PyTorch", imagenet_mean * 255, 1 / (imagenet_std * 255)
        yield "wrong mean: ImageNet's of PyTorch, scale left out", imagenet_mean * 255, one
        yield "wrong mean and scale: Caffe's mean, scale left out", caffe, one
    yield "mean added instead of subtracted", -mean, scale
    yield "divided by the scale instead of multiplied", mean, 1 / scale
