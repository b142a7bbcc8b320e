"""The processes that ``torchrun`` starts for one run: which one this is, and what they do together.

One process alone is a group of one: nothing is sent, and PyTorch is not imported for it. The first process reads the
data, writes every file and speaks; the others get from it what they need. Objects travel by pickle, as
``torch.distributed`` sends them: all are processes of one job, which trust each other as they trust their code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import sleep
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from googlenet.errors import GoogLeNetError, SettingsError, TrainingError
from googlenet.settings import TrainSettings
from googlenet.training.processor import usable_cores

if TYPE_CHECKING:
    from torch import Tensor
    from torch.distributed.distributed_c10d import Store

_PATIENCE = timedelta(minutes=30)
"""With a process that is silent but not gone: the first one may be reading many images. A lost one is seen at once."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Place:
    """Which process this is."""

    rank: int = 0  # among all
    world: int = 1  # how many there are
    local_rank: int = 0  # among those of this machine
    local_world: int = 1


_ALONE = Place()
_place = _ALONE


def place() -> Place:
    """This process's place in the group that ``together`` has opened; outside of one it is alone."""
    return _place


def cores_of_this() -> int:
    """How many cores are this process's share of those that it may use."""
    return max(1, usable_cores() // _place.local_world)


def place_by_torchrun() -> Place:
    """What torchrun has told this process; alone where it was not started by it."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return _ALONE
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    return Place(*(int(os.environ[name]) for name in names))


@contextmanager
def together(settings: TrainSettings) -> Iterator[Place]:
    """The group of torchrun's processes, open while they train; a group of one where there is no torchrun.

    An error is said once: the process that meets it first raises it, the others end with exit code 2. Raises
    ``SettingsError`` where the settings are not for several processes, ``TrainingError`` where a process is lost.
    """
    global _place
    found = place_by_torchrun()
    if found.world == 1:
        yield found
        return
    _check(settings, found)
    _place = found
    try:
        _open(found)
        yield found
    except GoogLeNetError as error:
        _end_of_one(found, error)
        raise
    except RuntimeError as error:
        if not _is_of_the_network(error):
            raise
        lost = TrainingError(
            f"process {found.rank + 1} of {found.world} has lost another one ({str(error).splitlines()[0]}); "
            "see what that one said; torchrun --max-restarts N goes on from the last checkpoint by itself"
        )
        _end_of_one(found, lost)
        raise lost from error
    else:
        import torch.distributed as dist

        dist.destroy_process_group()
    finally:
        _place = _ALONE


def _check(settings: TrainSettings, found: Place) -> None:
    world = found.world
    if settings.framework != "torch":
        raise SettingsError(
            f"--framework is {settings.framework} under torchrun, which is PyTorch's; take --framework torch, "
            "or see docs/tensorflow.md for several machines"
        )
    if settings.doctor == "fix":
        raise SettingsError(f"--doctor is fix for {world} processes, which cannot begin again together; give watch")
    if settings.batch_size % world:
        raise SettingsError(
            f"--batch-size is {settings.batch_size}, the images of a step of all {world} processes together; "
            f"give a multiple of {world}, or start as many processes as divide it"
        )
    if settings.batch_size < 2 * world:
        raise SettingsError(
            f"--batch-size is {settings.batch_size} for {world} processes; each needs two images, give {2 * world}"
        )


def _open(found: Place) -> None:
    import torch
    import torch.distributed as dist
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    if torch.cuda.is_available():
        if found.local_world > torch.cuda.device_count():
            raise SettingsError(
                f"torchrun --nproc-per-node is {found.local_world} and this machine has {torch.cuda.device_count()} "
                "GPUs; start one process for each"
            )
        torch.cuda.set_device(found.local_rank)
    elif os.environ.get("OMP_NUM_THREADS", "1") == "1":  # as torchrun sets it, which leaves most cores idle
        torch.set_num_threads(cores_of_this())
    try:
        store, rank, world = next(rendezvous("env://"))
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        own = PrefixStore(_name_of_start(store, rank, world), store)
        dist.init_process_group(backend, store=own, rank=rank, world_size=world, timeout=_PATIENCE)
    except RuntimeError as error:
        raise TrainingError(
            f"process {found.rank + 1} of {found.world} cannot reach the others ({str(error).splitlines()[0]}); look "
            "at torchrun's --rdzv-endpoint, and at GLOO_SOCKET_IFNAME where a machine has several network cards"
        ) from error


def _name_of_start(store: Store, rank: int, world: int) -> str:
    """A name that the processes which start now share with none that started before.

    torchrun keeps one store when it starts all anew, and with it the addresses of processes that are gone: PyTorch
    would connect to those (pytorch/pytorch issue 135712). Nothing that torchrun tells is another at each start on all
    machines, not even its count of restarts. So the first process draws a name, and a process that finds one believes
    it once the first has answered to a name of its own.
    """
    mine = uuid4().hex
    if rank == 0:
        store.set("googlenet/start", mine)
        others = [store.get(f"{mine}/{other}").decode() for other in range(1, world)]
        store.set(f"{mine}/all", " ".join(others))
        return mine
    while True:
        name = store.get("googlenet/start").decode()
        store.set(f"{name}/{rank}", mine)
        if store.check([f"{name}/all"]) and mine in store.get(f"{name}/all").decode().split():
            return name
        sleep(0.05)


def _end_of_one(found: Place, error: GoogLeNetError) -> None:
    """Leave at once where another process has spoken already, or after speaking for the first of this machine."""
    import torch.distributed as dist

    if not dist.is_initialized():
        return  # all meet the same error; the first of each machine says it
    try:
        store = dist.distributed_c10d._get_default_store()
        is_first = store.add("googlenet/errors", 1) == 1
    except RuntimeError:  # it went with torchrun's first machine
        is_first = found.local_rank == 0
    if not is_first:
        sys.exit(2)
    if found.local_rank:  # which the command line lets wait for the first
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(2)


def _is_of_the_network(error: RuntimeError) -> bool:
    import torch.distributed as dist

    return isinstance(error, dist.DistError) or "gloo" in str(error).lower()


def from_first(make: Callable[[], _T]) -> _T:
    """What ``make`` returns in the first process, in every process; only the first calls it."""
    if _place.world == 1:
        return make()
    import torch
    import torch.distributed as dist

    box = [make() if _place.rank == 0 else None]
    dist.broadcast_object_list(box, 0, device=torch.device("cpu"))
    return box[0]  # type: ignore[return-value]


def from_all(value: _T) -> list[_T]:
    """The value of every process, in the order of their ranks."""
    if _place.world == 1:
        return [value]
    import torch.distributed as dist

    found: list[_T] = [value] * _place.world
    dist.all_gather_object(found, value)
    return found


def any_of_all(flag: bool) -> bool:
    """Whether the flag is up in any process."""
    if _place.world == 1:
        return flag
    import torch
    import torch.distributed as dist

    raised = torch.tensor(int(flag))
    dist.all_reduce(raised)
    return bool(raised)


def average_over_all(tensors: Sequence[Tensor]) -> None:
    """Replace float32 tensors of one device by their means over all processes, in one message."""
    if _place.world == 1 or not tensors:
        return
    import torch
    import torch.distributed as dist

    flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    flat /= _place.world
    for tensor, mean in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.detach().copy_(mean.view(tensor.shape))
