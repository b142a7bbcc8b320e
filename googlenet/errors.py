"""Everything that this package raises for a user's mistake, as one tree.

    GoogLeNetError
    ├── SettingsError          a flag or an argument that cannot be
    ├── SpecError              a network that cannot be built
    ├── DataError              folders, lists and photographs
    │   └── ImageError         one image that cannot be read
    ├── ModelFileError         a sealed model or a foreign checkpoint
    ├── TrainingError          a run that cannot start or go on
    └── MissingExtraError      an optional dependency that is not installed

Every message names the file or the setting, the value that it has, what was expected, and what to do about it.
The command line prints the message alone and exits with code 2; a traceback always means a defect of this package.
"""

from __future__ import annotations


class GoogLeNetError(Exception):
    """The root: catch this to catch every mistake that a user can mend."""


class SettingsError(GoogLeNetError):
    """A setting has a value that it cannot have, or contradicts another one."""


class SpecError(GoogLeNetError):
    """The network asked for cannot exist, or not at this input size."""


class DataError(GoogLeNetError):
    """A data set cannot be used as it is."""


class ImageError(DataError):
    """One image cannot be read; the message begins with its path."""


class ModelFileError(GoogLeNetError):
    """A model file is damaged, of another network, or does not say what its tensors say."""


class TrainingError(GoogLeNetError):
    """Training cannot start, or cannot go on."""


class MissingExtraError(GoogLeNetError):
    """An optional dependency is absent, or older than ``needed``; the message is the command that brings it."""

    def __init__(self, package: str, extra: str, *, found: str | None = None, needed: str = "") -> None:
        command = f"pip install --upgrade 'googlenet[{extra}]'" if found else f"pip install 'googlenet[{extra}]'"
        state = (
            f"{package} is of version {found}, {needed} or newer is needed" if found else f"{package} is not installed"
        )
        super().__init__(f"{state}; bring it with: {command}")
