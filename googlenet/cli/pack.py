"""``googlenet pack``."""

from __future__ import annotations

import re
from pathlib import Path

from googlenet.cli.options import Json
from googlenet.cli.terminal import print_json, progress, say_skipped
from googlenet.errors import SettingsError

_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}


def pack(data: Path, out: Path, /, *, shard_size: str = "256MB", as_json: Json = False) -> None:
    """Pack a data set into few large files (shards), for discs and networks that are slow with many small ones.

    Whatever takes a data set takes the packed one. WebDataset reads the shards too.

    Parameters
    ----------
    data
        a folder or a CSV as for train
    out
        a new folder for the shards and their index
    shard_size
        the most that a shard may have, such as 500KB, 256MB or 1GB
    """
    size = _bytes(shard_size)
    from googlenet.data.pack import pack as write

    with progress("reading the images") as reading, progress("writing the shards") as writing:
        packed = write(data, out, shard_size=size, reading=reading, writing=writing)
    say_skipped(packed.skipped, packed.images)
    if as_json:
        print_json(
            {
                "out": str(out),
                "images": packed.images,
                "bytes": packed.bytes,
                "shards": [name for name, _ in packed.shards],
                "skipped": [{"path": str(part.path), "reason": part.reason} for part in packed.skipped],
            }
        )
    else:
        print(f"{packed.images} images in {len(packed.shards)} shards, {packed.bytes / 1e6:.1f} MB: {out}")


def _bytes(words: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]B)", words.strip().upper())
    if found is None or not float(found[1]):
        raise SettingsError(f"--shard-size is {words!r}; give a number and a unit, such as 500KB, 256MB or 1GB")
    return int(float(found[1]) * _UNITS[found[2]])
