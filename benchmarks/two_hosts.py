"""Train on two machines that are network namespaces, and on one: python benchmarks/two_hosts.py (as root, on Linux)

torchrun starts a process on each of the two, which a veth pair joins, then both processes on one machine: one epoch of
small generated images, without batch norm, which amplifies rounding, and in fp32. Printed is how far apart the weights
come out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.kill_resume import make_images
from googlenet.training.run import MODEL_FILE
from googlenet.weights.model_file import read_model

_HOSTS = ("googlenet-a", "googlenet-b")
_ADDRESSES = ("10.77.0.1", "10.77.0.2")
_TORCHRUN = (sys.executable, "-m", "torch.distributed.run")
_RENDEZVOUS = ("--rdzv-backend=c10d", f"--rdzv-endpoint={_ADDRESSES[0]}:29400", "--rdzv-id=two-hosts")
_CABLE = "cable"


@contextmanager
def two_hosts() -> Iterator[None]:
    """Two network namespaces, each with one end of a cable, while the context is open."""
    try:
        for host in _HOSTS:
            _ip("netns", "add", host)
        ends = ("netns", _HOSTS[0], "type", "veth", "peer", "name", _CABLE, "netns", _HOSTS[1])
        _ip("link", "add", _CABLE, *ends)
        for host, address in zip(_HOSTS, _ADDRESSES, strict=True):
            _ip("-n", host, "address", "add", f"{address}/24", "dev", _CABLE)
            for device in ("lo", _CABLE):
                _ip("-n", host, "link", "set", device, "up")
        yield
    finally:
        for host in _HOSTS:
            subprocess.run(["ip", "netns", "del", host], check=False, stderr=subprocess.DEVNULL)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def train(images: Path, folder: Path, *torchrun: str, host: str | None = None) -> subprocess.Popen[bytes]:
    """Begin a run in ``folder``, of this machine or within one of the two."""
    words = ["--recipe", "paper", "--no-aux-heads", "--precision", "fp32"]
    words += ["--image-size", "64", "--batch-size", "16", "--epochs", "1"]
    command = [*_TORCHRUN, *torchrun, "-m", "googlenet", "train", str(images), "--out", str(folder), *words]
    within = ["ip", "netns", "exec", host] if host else []
    network = {"GLOO_SOCKET_IFNAME": _CABLE} if host else {}
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"} | network
    return subprocess.Popen([*within, *command], env=environment)


def main() -> None:
    """Measure and print."""
    if sys.platform != "linux" or os.geteuid() or shutil.which("ip") is None:
        sys.exit("skipped: network namespaces need Linux, root and the command ip (package iproute2)")
    with tempfile.TemporaryDirectory() as work:
        images, apart, together = (Path(work, name) for name in ("images", "apart", "together"))
        make_images(images)
        with two_hosts():
            node = ("--nnodes=2", "--nproc-per-node=1", *_RENDEZVOUS)
            runs = []
            for host, address in zip(_HOSTS, _ADDRESSES, strict=True):
                first = f"--rdzv-conf=is_host={int(host == _HOSTS[0])}"  # torchrun sees by the name, which both share
                runs.append(train(images, apart, *node, f"--local-addr={address}", first, host=host))
            codes = [run.wait() for run in runs]
        codes.append(train(images, together, "--standalone", "--nproc-per-node=2").wait())
        if any(codes):
            sys.exit(f"torchrun ended with {codes}")
        expected, found = (read_model(folder / MODEL_FILE).tensors for folder in (together, apart))
        furthest = max(np.abs(found[name] - tensor).max() / np.abs(tensor).max() for name, tensor in expected.items())
        print(f"two hosts and one: the weights differ by at most {furthest:.1g} of each tensor's largest")


if __name__ == "__main__":
    main()
