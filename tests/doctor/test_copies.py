"""Copies are found whatever was done to them and told by what they spoil; nothing else is taken for one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from googlenet.data.examine import examine
from googlenet.data.index import list_images
from googlenet.data.listing import Listing
from googlenet.demo import write_digits
from googlenet.doctor.alignment import likeness
from googlenet.doctor.candidates import candidate_pairs
from googlenet.doctor.copies import near_copies
from googlenet.doctor.diagnose import check
from tests.doctor.planted import NAMES, TIMES, scene

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def crop(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = picture.size
    box = (round(width * left), round(height * top), round(width * (1 - right)), round(height * (1 - bottom)))
    return picture.crop(box)


def crop_five_percent(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    across, down = rng.random(2) * 0.05
    return crop(picture, across, down, 0.05 - across, 0.05 - down)


CHANGES: dict[str, tuple[Change, int]] = {
    "recompressed": (lambda picture, _: picture, 30),
    "resized": (lambda picture, _: picture.resize((picture.width * 2 // 3, picture.height * 2 // 3)), 90),
    "cropped 5 %": (crop_five_percent, 90),
    "cropped 5 % on each side": (lambda picture, _: crop(picture, 0.05, 0.05, 0.05, 0.05), 90),
    "mirrored": (lambda picture, _: ImageOps.mirror(picture), 90),
    "brightened": (lambda picture, _: ImageEnhance.Brightness(picture).enhance(1.3), 90),
    "mirrored, cropped and recompressed": (lambda p, rng: crop_five_percent(ImageOps.mirror(p), rng), 50),
}
"""What is done to a copy, and the JPEG quality that it is saved with."""


def fill(root: Path, pictures: list[Image.Image], folders: list[str]) -> list[Path]:
    paths = [root / folders[i % len(folders)] / f"原 {i} 🌼.png" for i in range(len(pictures))]
    for picture, path in zip(pictures, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    return paths


@pytest.mark.parametrize("change", CHANGES)
def test_planted_copies(change: str, tmp_path: Path) -> None:
    alter, quality = CHANGES[change]
    rng = np.random.default_rng(0)
    pictures = [scene(i, (144, 108)) for i in range(3 * TIMES)]
    originals = fill(tmp_path, pictures, list(NAMES))
    planted = set()
    for picture, path in list(zip(pictures, originals, strict=True))[:TIMES]:
        copy = path.with_name(f"copy {path.stem}.jpg")
        alter(picture, rng).save(copy, quality=quality)
        planted.add(tuple(sorted(part.relative_to(tmp_path).as_posix() for part in (path, copy))))
    diagnosis = check(tmp_path)
    assert diagnosis.counts().keys() == {"near-duplicate"}
    found = {tuple(sorted(item.paths)) for item in diagnosis.findings[0].items}
    assert found <= planted
    assert len(found) >= 0.95 * TIMES


def test_duplicates_conflicts_and_leaks_exact_and_near(tmp_path: Path) -> None:
    pictures = [scene(i, (144, 108)) for i in range(8 * TIMES)]
    paths = fill(tmp_path, pictures, [f"train/{name}" for name in NAMES])
    fill(tmp_path, [scene(10_000 + i) for i in range(10)], [f"test/{name}" for name in NAMES])
    groups = [paths[i * TIMES : (i + 1) * TIMES] for i in range(6)]

    def other_class(path: Path) -> Path:
        return path.parent.with_name(NAMES[(NAMES.index(path.parent.name) + 1) % len(NAMES)]) / path.name

    def tested(path: Path) -> Path:
        return tmp_path / "test" / path.parent.name / path.name

    targets: list[Callable[[Path], Path]] = [lambda path: path, other_class, tested]
    for exact, near, target in zip(groups[:3], groups[3:], targets, strict=True):
        for path in exact:
            shutil.copy(path, target(path).with_name(f"again {path.name}"))
        for path in near:
            Image.open(path).save(target(path).with_name(f"again {path.stem}.webp"), quality=60)
    diagnosis = check(tmp_path)
    kinds = [f"{prefix}{kind}" for kind in ("duplicate", "conflict", "leak") for prefix in ("", "near-")]
    assert diagnosis.counts() == dict.fromkeys(kinds, TIMES)
    by_kind = {finding.kind: finding.items[0] for finding in diagnosis.findings}
    for kind, item in by_kind.items():
        assert len(item.paths) == 2
        if "duplicate" in kind:
            assert len(item.movable) == 1
        elif "conflict" in kind:
            assert item.movable == item.paths  # nobody knows which label is right
        else:
            assert [path.split("/")[0] for path in item.paths] == ["train", "test"]
            assert item.movable == item.paths[1:]


def test_a_copy_between_splits_under_another_label_is_both(tmp_path: Path) -> None:
    for number, folder in enumerate(("train/a", "train/b", "test/a", "test/b")):
        fill(tmp_path, [scene(100 * number + i) for i in range(10)], [folder])
    shutil.copy(tmp_path / "train/a/原 0 🌼.png", tmp_path / "test/b/x.png")
    assert check(tmp_path).counts() == {"conflict": 1, "leak": 1}


def test_pictures_of_one_kind_are_not_all_taken_for_copies(tmp_path: Path) -> None:
    """Blurred strokes, a little elsewhere each time: alike by nature, as handwritten digits are."""
    rng = np.random.default_rng(0)
    for i in range(100):
        canvas = Image.new("L", (80, 80))
        points = [(x + rng.normal(0, 9), y + rng.normal(0, 9)) for x, y in ((24, 20), (56, 24), (36, 44), (60, 60))]
        ImageDraw.Draw(canvas).line(points, 255, width=9)
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        canvas.filter(ImageFilter.GaussianBlur(6)).save(tmp_path / "ab"[i % 2] / f"{i}.png")
    counts = check(tmp_path).counts()
    assert counts.pop("resembling") == 1
    assert sum(counts.values()) <= 10


def test_too_small_and_empty_pictures_are_not_compared(tmp_path: Path) -> None:
    for i in range(20):
        folder = tmp_path / "ab"[i % 2]
        folder.mkdir(exist_ok=True)
        Image.new("RGB", (50, 50 + i), (i, i, i)).save(folder / f"blank {i}.png")
        Image.new("L", (31, 31), 9 * i).save(folder / f"small {i}.png")
    assert not {kind for kind in check(tmp_path).counts() if "near" in kind}


def test_candidates_equal_the_correlation_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (700, 6, 6, 3), np.uint8)
    colours[650] = colours[3]
    colours[651] = colours[4, :, ::-1]
    colours[699] = colours[698, :, ::-1] // 2
    pairs = candidate_pairs(colours)
    assert list(zip(*(part.tolist() for part in pairs), strict=True)) == [
        (3, 650, False),
        (4, 651, True),
        (698, 699, True),
    ]


def test_levelled_candidates_are_copies_and_not_all_that_is_bright_above() -> None:
    rng = np.random.default_rng(0)
    colours = 120 + rng.normal(0, 12, (1200, 6, 6, 3)) + np.linspace(90, -90, 6)[:, None, None]
    colours[1100:1150] = colours[:50] + rng.normal(0, 3, (50, 6, 6, 3))
    colours[1150:] = colours[50:100, :, ::-1] * 0.8
    thumbnails = colours.clip(0, 255).astype(np.uint8)
    copies = {(i, 1100 + i, i >= 50) for i in range(100)}
    assert len(candidate_pairs(thumbnails).first) > 1000
    assert set(zip(*(part.tolist() for part in candidate_pairs(thumbnails, levelled=True)), strict=True)) == copies


def test_many_pictures_of_one_kind_are_told_by_some_of_them(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits")
    counts = check(tmp_path / "digits").counts()
    assert counts.pop("resembling") == 1
    assert sum(counts.values()) <= 10


def test_likeness_finds_the_crop_and_ignores_brightness() -> None:
    pictures = [scene(i, (200, 200)).convert("L") for i in range(20)]
    whole = np.array([np.asarray(picture.resize((32, 32), Image.Resampling.BOX)) for picture in pictures])
    cropped = [crop(picture, 0.08, 0.02, 0.0, 0.08).resize((32, 32), Image.Resampling.BOX) for picture in pictures]
    darker = np.array([np.asarray(picture) * 0.7 for picture in cropped]).astype(np.uint8)
    assert (likeness(whole, darker) > 0.9).mean() >= 0.95
    assert (likeness(whole, np.roll(darker, 1, axis=0)) < 0.7).all()
    assert likeness(whole[:0], darker[:0]).shape == (0,)


def test_among_the_flowers_only_what_was_looked_at(shared: Path) -> None:
    """Each of these was looked at: the same photograph twice, toned or cropped by its author, or taken at once."""
    diagnosis = check(shared / "flowers")
    assert diagnosis.counts() == {"duplicate": 2, "near-duplicate": 12, "extreme-shape": 1}
    assert not diagnosis.serious


def test_copies_of_flowers(shared: Path, tmp_path: Path) -> None:
    """Some of 2,500, which are enough to tell what photographs have in common, so that copies are sought otherwise."""
    listing = list_images(shared / "flowers")
    paths = [listing.root / path for path in listing.paths]
    count, chosen = len(paths), range(0, len(paths), 25)
    rng = np.random.default_rng(0)
    for number, (alter, quality) in enumerate(CHANGES.values()):
        (tmp_path / str(number)).mkdir()
        for i in chosen:
            paths.append(tmp_path / str(number) / paths[i].name)
            alter(Image.open(paths[i]), rng).save(paths[-1], quality=quality)
    looks = examine(Listing(Path("/"), [str(path) for path in paths]), verify=True)
    for first in range(count, len(paths), len(chosen)):
        groups, _ = near_copies(looks.keep([*range(count), *range(first, first + len(chosen))]))
        assert sum([original, count + row] in groups for row, original in enumerate(chosen)) >= 95
