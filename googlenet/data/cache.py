"""Decoded photographs on disk, shared by all runs, so that neither epochs nor later runs decode the same files again.

A file per picture, ``pictures/<what decoding depends on>/<content id>``: width and height, then the RGB pixels, read by
memory map. A picture is written beside and renamed: whatever is killed when, and however many runs share the folder, a
reader finds all of it or nothing. Files that were not used for longest make room.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, features

from googlenet import __version__
from googlenet.data.decode import Orientation, decode_own, read_bytes
from googlenet.data.look import content_id
from googlenet.saving import cache_folder

MAX_BYTES = 20 * 2**30
SHARE_OF_FREE_DISK = 0.2

_HEADER = struct.Struct("<II")  # width, height


class DecodedImages:
    """Decodes pictures for training, and keeps them in ``folder``, which holds at most about ``max_bytes``.

    Without a folder each is decoded anew; the pixels are the same. ``say`` hears, once, when the folder cannot be
    written; then nothing more is kept. Threads may share one instance, processes one folder.
    """

    def __init__(
        self,
        shorter_side: int,
        orientation: Orientation,
        *,
        folder: Path | None = None,
        max_bytes: int | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.shorter_side, self.orientation = shorter_side, orientation
        self._root, self._say, self._lock = folder, say, Lock()
        self._room, self._old = 0, deque[tuple[int, int, str]]()
        if folder is not None:
            self._folder = folder / _what_decoding_depends_on(shorter_side, orientation)
            self._open(folder, max_bytes)

    def get(self, content: int, path: Path) -> NDArray[np.uint8]:
        """The picture of this content id, which lies at ``path``: RGB, (height, width, 3), read-only.

        Its shorter side is ``shorter_side`` or up to twice that; a picture that is smaller is not enlarged. Raises
        ``ImageError`` when it has to be decoded and cannot.
        """
        if self._root is not None and (kept := _read(self._folder / f"{content:016x}")) is not None:
            return kept
        source = read_bytes(path)
        pixels = self._decode(source, path)
        if self._root is not None and content_id(source) == content:  # another file may lie there by now
            self._keep(self._folder / f"{content:016x}", pixels)
        return pixels

    def _decode(self, source: bytes, path: Path) -> NDArray[np.uint8]:
        pixels = decode_own(source, orientation=self.orientation, draft_size=self.shorter_side, name=str(path)).pixels
        factor = min(pixels.shape[:2]) // self.shorter_side
        return np.asarray(Image.fromarray(pixels).reduce(factor)) if factor > 1 else pixels

    def _open(self, root: Path, max_bytes: int | None) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            found = sorted(_files(root))
            taken = sum(size for _, size, _ in found)
            if max_bytes is None:
                max_bytes = min(MAX_BYTES, int((shutil.disk_usage(root).free + taken) * SHARE_OF_FREE_DISK))
        except OSError as error:
            self._give_up(error)
            return
        self._room, self._old = max_bytes - taken, deque(found)

    def _keep(self, target: Path, pixels: NDArray[np.uint8]) -> None:
        if not self._make_room(_HEADER.size + pixels.nbytes):
            return
        partial = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
        try:
            with partial.open("xb") as file:
                file.write(_HEADER.pack(pixels.shape[1], pixels.shape[0]))
                file.write(np.ascontiguousarray(pixels).data)
            partial.replace(target)  # not synced: a file that a power cut shortens is told by its length
        except FileNotFoundError:  # another run made room with it, or somebody emptied the folder
            return
        except OSError as error:
            partial.unlink(missing_ok=True)
            self._give_up(error)

    def _make_room(self, size: int) -> bool:
        """Take so many bytes of the room, for which the files unused for longest may have to go."""
        with self._lock:
            while self._room < size and self._old:
                used, freed, path = self._old.popleft()
                if _remove_unless_used_since(path, used):
                    self._room += freed
            if self._room < size:
                return False
            self._room -= size
            return True

    def _give_up(self, error: OSError) -> None:
        with self._lock:
            said, self._root = self._root is None, None
        if not said:
            self._say(
                f"decoded pictures are not kept from here on ({error}); "
                "free some space or let GOOGLENET_CACHE name a folder that can be written"
            )


def pictures_folder() -> Path | None:
    """Where decoded pictures are kept; None where ``GOOGLENET_CACHE`` is «off»."""
    folder = cache_folder()
    return folder and folder / "pictures"


def _what_decoding_depends_on(shorter_side: int, orientation: Orientation) -> str:
    codecs = (str(features.version(name)) for name in ("libjpeg_turbo", "jpg", "webp", "zlib", "libtiff"))
    versions = "\0".join((__version__, PIL.__version__, *codecs))
    return f"{shorter_side}-{orientation}-{hashlib.sha256(versions.encode()).hexdigest()[:12]}"


def _read(path: Path) -> NDArray[np.uint8] | None:
    """The picture in a file of the cache; None where there is no whole one."""
    try:
        with path.open("rb", buffering=0) as file:
            os.utime(file.fileno() if os.utime in os.supports_fd else path)
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # an empty file cannot be mapped
        return None
    if len(content) < _HEADER.size:
        return None
    width, height = _HEADER.unpack_from(content)
    if len(content) != _HEADER.size + width * height * 3:
        return None
    return np.frombuffer(content, np.uint8, offset=_HEADER.size).reshape(height, width, 3)


def _files(root: Path) -> list[tuple[int, int, str]]:
    """When each file below ``root`` was last used, its size, and where it is; partial ones of killed runs as well."""
    found = []
    for folder in os.scandir(root):
        for entry in os.scandir(folder.path) if folder.is_dir() else ():
            try:
                facts = entry.stat()
            except FileNotFoundError:  # renamed or removed by another run in this instant
                continue
            found.append((facts.st_mtime_ns, facts.st_size, entry.path))
    return found


def _remove_unless_used_since(path: str, used: int) -> bool:
    """Whether the file is gone now; a run that has it mapped keeps its pixels."""
    try:
        if Path(path).stat().st_mtime_ns != used:
            return False
        Path(path).unlink()
    except FileNotFoundError:
        return True
    except OSError:  # Windows removes no file that is mapped
        return False
    return True
