"""Two data sets to try everything on: handwritten digits that come with scikit-learn, and photographs of flowers."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from googlenet.errors import DataError, MissingExtraError

FLOWERS_URL = "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"
FLOWERS_SHA256 = "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c"
WEIGHTS_URL = "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel"
WEIGHTS_SHA1 = "405fc5acd08a3bb12de8ee5e23a96bec22f08204"

_SIDE = 64  # pixels of a digit's PNG; the originals have 8
_WHITEST = 16  # the largest value in scikit-learn's digits


def write_digits(folder: Path) -> Path:
    """Write scikit-learn's 1,797 handwritten digits as PNG files, a folder per digit; returns ``folder``.

    Source: Alpaydin and Kaynak, *Optical Recognition of Handwritten Digits*, UCI (1998), as scikit-learn ships it.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise MissingExtraError("scikit-learn", "demo") from error
    digits = load_digits()
    for number, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
        target = folder / str(digit) / f"{number:04}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.round(pixels * (255 / _WHITEST)).astype(np.uint8))
        image.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC).save(target)
    return folder


def fetch_flowers() -> Path:
    """The 3,670 flower photographs (CC BY, see LICENSE.txt in the archive), downloaded once and checked."""
    archive = _fetch(FLOWERS_URL, f"sha256:{FLOWERS_SHA256}")
    folder = archive.with_name("flower_photos")
    if not folder.exists():
        partial = archive.with_name("flower_photos.partial")
        with tarfile.open(archive) as tar:
            tar.extractall(partial, filter="data")
        (partial / "flower_photos").rename(folder)
    return folder


def fetch_weights() -> Path:
    """BVLC's ImageNet-trained GoogLeNet, released for unrestricted use, downloaded once and checked."""
    return _fetch(WEIGHTS_URL, f"sha1:{WEIGHTS_SHA1}")


def _fetch(url: str, known_hash: str) -> Path:
    try:
        import pooch
    except ModuleNotFoundError as error:
        raise MissingExtraError("pooch", "demo") from error
    try:
        name = url.rsplit("/", 1)[1]
        path = pooch.retrieve(url, known_hash, fname=name, path=pooch.os_cache("googlenet"), progressbar=False)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{url}: cannot be fetched ({error}); check the network, or give local files with --data and --weights"
        ) from error
    return Path(path)
