"""A folder with a sub-folder per class, or train/, val/ and test/ folders of such -> Listing."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Container
from pathlib import Path

from natsort import natsorted

from googlenet.data.decode import EXTENSIONS
from googlenet.data.listing import NOT_GIVEN, SPLIT_WORDS, Listing, Skipped, quoted
from googlenet.errors import DataError

_SYSTEM_NAMES = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"})


def list_folder(root: Path, *, need_train: bool = True, known: Container[str] = ()) -> Listing:
    """List the images below ``root``, classes in natural order; folders inside a class belong to it.

    Hidden names are passed over. A link to a folder that is listed already (a loop, say) is named in ``skipped``.
    ``need_train``: refuse val/ or test/ without train/. ``known``: ids of classes; images loose in ``root`` that are
    called «<id>_…» are of that class. Raises ``DataError`` where there are no class folders or
    the layout can be read in two ways.
    """
    walker = _Walker(root, known)
    folders = walker.class_folders("")
    splits = {name: SPLIT_WORDS[name.lower()] for name in folders if name.lower() in SPLIT_WORDS}
    if len(splits) >= 2 and len(splits) < len(folders):
        others = [name for name in folders if name not in splits]
        raise DataError(
            f"{root}: has the split folders {quoted(splits)} beside {quoted(others)}; "
            "leave only train, val and test there, or only folders of classes"
        )
    if not splits or len(splits) < len(folders):
        walker.walk_classes("", folders, NOT_GIVEN)
    elif need_train and "train" not in {name.lower() for name in splits}:
        raise DataError(f"{root}: has {quoted(splits)} but no train folder; add train/ with a folder per class")
    else:
        for name, split in splits.items():
            walker.walk_classes(f"{name}/", walker.class_folders(f"{name}/"), split)
    walker.walk_links()
    if not walker.listing.class_words:
        raise DataError(f"{root}: has no sub-folders; put the images of each class in a folder of its own there")
    return walker.listing


def is_hidden(name: str) -> bool:
    """Whether a name is the system's or a tool's own (.DS_Store, .ipynb_checkpoints, __MACOSX), never a user's data."""
    return name.startswith(".") or name in _SYSTEM_NAMES


class _Walker:
    """Real folders first, links to folders after them: a link can then never take a folder's own place."""

    def __init__(self, root: Path, known: Container[str]) -> None:
        self.known = known
        self.listing = Listing(root)
        self.visited: set[tuple[int, int]] = set()
        self.links: deque[tuple[str, str, int]] = deque()

    def class_folders(self, prefix: str) -> list[str]:
        """The visible folders in ``root / prefix``; images that lie loose beside them are named as skipped."""
        folders = []
        for entry in self._entries(prefix):
            if entry.is_dir():
                folders.append(entry.name)
            elif not prefix and entry.name.partition("_")[0] in self.known:
                self._named_by_class(entry)
            elif _is_image_name(entry.name):
                self._skip(prefix + entry.name, "lies outside the class folders; move it into one")
            else:
                self.listing.ignored += 1
        return natsorted(folders)

    def walk_classes(self, prefix: str, names: list[str], split: int) -> None:
        for name in names:
            if name not in self.listing.class_words:
                self.listing.class_words.append(name)
            if (self.listing.root / (prefix + name)).is_symlink():
                self.links.append((prefix + name, name, split))
            else:
                self._walk(prefix + name, name, split)

    def _named_by_class(self, entry: os.DirEntry[str]) -> None:
        word = entry.name.partition("_")[0]
        if word not in self.listing.class_words:
            self.listing.class_words.append(word)
        self._file(entry.name, entry, word, NOT_GIVEN)

    def walk_links(self) -> None:
        while self.links:
            self._walk(*self.links.popleft())

    def _walk(self, top: str, word: str, split: int) -> None:
        folders = [top]
        while folders:
            relative = folders.pop()
            for entry in self._entries(f"{relative}/"):
                path = f"{relative}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.is_dir():
                    self.links.append((path, word, split))
                else:
                    self._file(path, entry, word, split)

    def _file(self, path: str, entry: os.DirEntry[str], word: str, split: int) -> None:
        if not _is_image_name(entry.name):
            self.listing.ignored += 1
        elif entry.is_file():
            self.listing.add(path, word, split)
        else:
            self._skip(path, "is a broken link or no regular file; replace or remove it")

    def _entries(self, prefix: str) -> list[os.DirEntry[str]]:
        folder = self.listing.root / prefix
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in self.visited:
                self._skip(prefix, "links to a folder that is listed already; remove the link")
                return []
            self.visited.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                visible = sorted((entry for entry in entries if not is_hidden(entry.name)), key=lambda e: e.name)
        except OSError as error:
            self._skip(prefix, f"cannot be listed ({error.strerror}); check its permissions")
            return []
        return [entry for entry in visible if self._can_be_followed(prefix, entry)]

    def _can_be_followed(self, prefix: str, entry: os.DirEntry[str]) -> bool:
        try:
            entry.is_dir()
            entry.is_file()
        except OSError as error:  # a link to itself, or a folder without the right to look into it
            self._skip(prefix + entry.name, f"cannot be followed ({error.strerror}); remove the link")
            return False
        return True

    def _skip(self, path: str, reason: str) -> None:
        self.listing.skipped.append(Skipped(self.listing.root / path, reason))


def _is_image_name(name: str) -> bool:
    return name.lower().endswith(EXTENSIONS)
