"""A clean folder of pictures and the faults to plant in it, twenty of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

TIMES = 20
NAMES = ("玫瑰", "rose 🌹", "čeština", "a 'quoted' <b>&amp;", "plain")
"""Folders of classes: Chinese, emoji, accents and marks that mean something to HTML among them."""


def scene(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """A picture that looks like no other: a few coloured shapes before a sky, and some grain."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (5, 6, 3), np.uint8)
    picture = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
    for _ in range(6):
        x, y = rng.integers(0, size[0] - 12), rng.integers(0, size[1] - 12)
        width, height = rng.integers(6, 30, 2)
        picture[y : y + height, x : x + width] = rng.integers(0, 256, 3)
    grain = rng.integers(-6, 7, picture.shape)
    return Image.fromarray(np.clip(picture + grain, 0, 255).astype(np.uint8))


def clean(root: Path, per_class: int = 12) -> Path:
    """Five classes of JPEG files, nothing wrong with them."""
    for number, name in enumerate(NAMES):
        (root / name).mkdir(parents=True)
        for i in range(per_class):
            scene(1000 * number + i).save(root / name / f"图 {i} 📷.jpg", quality=90)
    return root


def each(root: Path, stem: str, ending: str) -> list[Path]:
    """Twenty new paths, spread over the classes."""
    return [root / NAMES[i % len(NAMES)] / f"{stem} {i} 错误{ending}" for i in range(TIMES)]


def _saved(root: Path, stem: str, ending: str, change: Callable[[Image.Image], Image.Image], **options: object) -> None:
    for i, path in enumerate(each(root, stem, ending)):
        change(scene(int.from_bytes(stem.encode()[:5]) * 100 + i)).save(path, **options)


def _cut(root: Path) -> None:
    for i, path in enumerate(each(root, "cut", ".jpg")):
        scene(50_000 + i).save(path)
        path.write_bytes(path.read_bytes()[: 400 + 40 * i])


def _no_image(root: Path) -> None:
    for i, path in enumerate(each(root, "text", ".png")):
        path.write_text("" if i % 2 else "no picture")


def _wrong_ending(root: Path) -> None:
    _saved(root, "renamed", ".jpg", lambda picture: picture, format="PNG")


def _foreign(root: Path) -> None:
    for i, path in enumerate(each(root, "foreign", ".heic")):
        path.write_bytes(b"\0\0\0\x20ftypheic" + bytes([i]))
    _saved(root, "download", ".part", lambda picture: picture, format="JPEG")


def _cmyk(root: Path) -> None:
    _saved(root, "print", ".jpg", lambda picture: picture.convert("CMYK"))


def _palette(root: Path) -> None:
    _saved(root, "palette", ".png", lambda picture: picture.quantize(64), transparency=3)


def _sixteen(root: Path) -> None:
    _saved(
        root, "deep", ".png", lambda picture: Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    )


def _turned(root: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    _saved(root, "lying", ".jpg", lambda picture: picture, exif=exif)


def _tiny(root: Path) -> None:
    _saved(root, "tiny", ".png", lambda picture: picture.resize((20, 40)))


def _long(root: Path) -> None:
    _saved(root, "long", ".png", lambda picture: picture.resize((200, 40)))


def _one_colour(root: Path) -> None:
    for i, path in enumerate(each(root, "blank", ".jpg")):
        Image.new("RGB", (64 + i, 64), (12 * i, 255 - 9 * i, 7 * i)).save(path)


def _hidden(root: Path) -> None:
    for i, path in enumerate(each(root, "._shadow", ".jpg")):
        if i % 2:
            path.write_bytes(b"\0\5\x16\7")
        else:
            (path.parent / f".hidden {i}").mkdir()


def _loose(root: Path) -> None:
    for i in range(TIMES):
        scene(70_000 + i).save(root / f"loose {i}.jpg")


def _empty(root: Path) -> None:
    for i in range(TIMES):
        (root / f"空 {i}").mkdir()


FAULTS: dict[str, tuple[str, Callable[[Path], None], int]] = {
    "cut short": ("unreadable", _cut, TIMES),
    "no image": ("unreadable", _no_image, TIMES),
    "wrong ending": ("wrong-extension", _wrong_ending, TIMES),
    "foreign ending": ("left-out", _foreign, 2 * TIMES),
    "CMYK": ("odd-mode", _cmyk, TIMES),
    "palette with transparency": ("odd-mode", _palette, TIMES),
    "16 bits": ("odd-mode", _sixteen, TIMES),
    "EXIF turn": ("turned", _turned, TIMES),
    "tiny": ("tiny", _tiny, TIMES),
    "extreme shape": ("extreme-shape", _long, TIMES),
    "one colour": ("one-colour", _one_colour, TIMES),
    "hidden": ("hidden", _hidden, TIMES),
    "loose": ("misplaced", _loose, TIMES),
    "empty class": ("empty-class", _empty, TIMES),
}
"""Name -> the kind that the doctor calls it, how to plant it, how many cases that makes."""
