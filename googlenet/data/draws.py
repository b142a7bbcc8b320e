"""Random draws that depend on named integers alone, never on a worker, a rank or the time."""

from __future__ import annotations

import hashlib
import struct

import numpy as np


def key(*parts: int) -> int:
    """128 bits that depend on every integer, on their order and on how many they are (each taken modulo 2^64)."""
    packed = struct.pack(f"<{len(parts)}Q", *(part % 2**64 for part in parts))
    return int.from_bytes(hashlib.blake2b(packed, digest_size=16).digest(), "little")


def generator(*parts: int) -> np.random.Generator:
    """A fresh stream of random numbers for these integers, such as (seed, epoch, sample id)."""
    return np.random.Generator(np.random.Philox(key=key(*parts)))
