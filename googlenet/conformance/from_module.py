"""A torch module of any writing, watched while it runs: every operator that PyTorch carries out passes here.

What counts is what is computed, not how it is written: modules and functions, classes and ``nn.Sequential``, in place
or not, all come down to the same few operators.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from math import isqrt
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from googlenet.conformance.parts import INPUT_SIZE, Kind, Pair, Window, adaptive_window
from googlenet.conformance.recorder import PROBE, Array, Recorder, Sources, Step, observe

_BATCH = 2  # a batch norm in training refuses a single image where the map is 1x1

aten = torch.ops.aten


class RunFailedError(Exception):
    """The module raised something; the message is its."""


@dataclasses.dataclass(frozen=True)
class _Call:
    """A layer among the operators: what it reads, and its figures."""

    kind: Kind
    x: Tensor
    width: int | None = None
    window: Window | None = None
    bias: bool = True


_Read: TypeAlias = Callable[..., _Call | None]


def watch(module: nn.Module, *, training: bool) -> list[Step]:
    """The steps of a module on 224 px images, in training or evaluation mode; raises ``RunFailedError``.

    The module's statistics, if it has any, change as in any training step; torch's generators do not.
    """
    module.train(training)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(_BATCH, 3, INPUT_SIZE, INPUT_SIZE, generator=generator) * PROBE

    def run(recorder: Recorder) -> None:
        mode = _Watch(recorder, images)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            try:
                with mode:
                    answer = module(mode.images)
            except Exception as error:  # whatever a stranger's code raises
                raise RunFailedError(f"{type(error).__name__}: {str(error).split(chr(10))[0][:200]}") from error
        for label, tensor in _outputs(answer):
            recorder.add_output(label, mode.sources_of(tensor), _first(tensor))

    return observe(_first(images), run)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows from which layers each piece of memory was computed; puts probes in the place of their results."""

    def __init__(self, recorder: Recorder, images: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recorder = recorder
        self.images = images.clone()  # the module may write into it
        self._sources: dict[int, Sources] = {_memory(self.images): frozenset({0})}
        self._alive: list[Tensor] = [self.images]  # or another tensor could come to lie at the same address

    def sources_of(self, *tensors: Tensor) -> Sources:
        """The steps from which these were computed."""
        return frozenset().union(*(self._sources.get(_memory(tensor), frozenset()) for tensor in tensors))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        sources = self.sources_of(*_tensors((args, kwargs)))
        result = func(*args, **kwargs)
        if not sources:
            return result
        operator = func.overloadpacket
        call = self._call(operator, args, result)
        if call is not None and self.recorder.starts_step():
            return self._replace(call, result)
        if operator in _NORMS:
            self.recorder.normalise(self.sources_of(args[0]))
        written = [args[i] for i, argument in enumerate(func._schema.arguments[: len(args)]) if _is_written(argument)]
        for tensor in (*_tensors(result), *_tensors(written)):
            self._mark(tensor, sources)
        return result

    def _call(self, operator: Any, args: Any, result: Any) -> _Call | None:
        read = _LAYERS.get(operator)
        if read is None:
            return None
        call = read(next(_tensors(result)), *args)
        return call if call is not None and self.sources_of(call.x) else None

    def _replace(self, call: _Call, result: Any) -> Any:
        made = next(_tensors(result))
        mark, probe = self.recorder.add(
            call.kind,
            self.sources_of(call.x),
            _first(call.x),
            tuple(made.shape),
            width=call.width,
            window=call.window,
            bias=call.bias,
        )
        made.copy_(torch.from_numpy(probe))
        self._sources[_memory(made)] = mark
        self._alive.append(made)
        return result

    def _mark(self, tensor: Tensor, sources: Sources) -> None:
        memory = _memory(tensor)
        self._sources[memory] = self._sources.get(memory, frozenset()) | sources
        self._alive.append(tensor)


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def _memory(tensor: Tensor) -> int:
    address: int = tensor.untyped_storage()._cdata
    return address


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _first(tensor: Tensor) -> Array:
    array: Array = tensor.detach()[0].float().cpu().contiguous().numpy().copy()
    return array


def _pair(value: Any) -> Pair:
    values = (value,) if isinstance(value, int) else tuple(value)
    return int(values[0]), int(values[-1])


def _map_size(tensor: Tensor) -> Pair:
    return (int(tensor.shape[-2]), int(tensor.shape[-1])) if tensor.dim() >= 4 else (1, 1)


def _convolution(
    made: Tensor, x: Tensor, weight: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any, *rest: Any
) -> _Call | None:
    if x.dim() != 4:
        return None
    window = Window(
        kernel=_pair(weight.shape[2:]),
        stride=_pair(stride),
        before=_pair(padding),
        count=_map_size(made),
        dilation=_pair(dilation),
        groups=int(rest[-1]),
    )
    return _Call("conv", x, int(weight.shape[0]), window, bias is not None)


def _max_pool(made: Tensor, x: Tensor, kernel: Any, stride: Any = (), padding: Any = 0, *rest: Any) -> _Call | None:
    if x.dim() != 4:
        return None
    return _Call("max_pool", x, window=_pool_window(made, kernel, stride, padding, *rest[:1]))


def _average_pool(made: Tensor, x: Tensor, kernel: Any, stride: Any = (), padding: Any = 0, *_: Any) -> _Call | None:
    if x.dim() != 4:
        return None
    window = _pool_window(made, kernel, stride, padding)
    if window.count == (1, 1):
        window = dataclasses.replace(window, stride=(1, 1))
    return _Call("avg_pool", x, window=window)


def _pool_window(made: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any = 1) -> Window:
    return Window(
        kernel=_pair(kernel),
        stride=_pair(stride or kernel),
        before=_pair(padding),
        count=_map_size(made),
        dilation=_pair(dilation),
    )


def _adaptive_pool(made: Tensor, x: Tensor, *_: Any) -> _Call | None:
    return _Call("avg_pool", x, window=adaptive_window(_map_size(x), _map_size(made))) if x.dim() == 4 else None


def _mean(made: Tensor, x: Tensor, dims: Any = None, *_: Any) -> _Call | None:
    axes = {axis % x.dim() for axis in dims or ()}
    if x.dim() == 4 and axes == {2, 3}:
        size = _map_size(x)
    elif x.dim() == 3 and axes == {2}:
        side = isqrt(x.shape[2])
        size = (side, side)
    else:
        return None
    return _Call("avg_pool", x, window=adaptive_window(size, (1, 1)))


def _addmm(made: Tensor, bias: Tensor, x: Tensor, weight: Tensor, *_: Any) -> _Call | None:
    return _Call("linear", x, int(made.shape[1]))


def _mm(made: Tensor, x: Tensor, weight: Tensor) -> _Call | None:
    return _Call("linear", x, int(made.shape[1]), bias=False)


def _linear(made: Tensor, x: Tensor, weight: Tensor, bias: Any = None) -> _Call | None:
    return _Call("linear", x, int(made.shape[1]), bias=bias is not None) if x.dim() == 2 else None


_LAYERS: dict[Any, _Read] = {
    aten.convolution: _convolution,
    aten.max_pool2d_with_indices: _max_pool,
    aten.max_pool2d: _max_pool,
    aten.avg_pool2d: _average_pool,
    aten._adaptive_avg_pool2d: _adaptive_pool,
    aten.adaptive_avg_pool2d: _adaptive_pool,
    aten.mean: _mean,
    aten.addmm: _addmm,
    aten.mm: _mm,
    aten.linear: _linear,
}
_NORMS = {
    aten.native_batch_norm,
    aten._native_batch_norm_legit,
    aten._native_batch_norm_legit_no_training,
    aten._batch_norm_with_update,
    aten._batch_norm_no_update,
    aten.batch_norm,
    aten.cudnn_batch_norm,
}


def _outputs(answer: Any) -> Iterator[tuple[str | int | None, Tensor]]:
    """Every tensor of an answer, by its name where it has one, else by its position."""
    if isinstance(answer, Tensor):
        yield None, answer
        return
    if isinstance(answer, Mapping):
        entries: Any = answer.items()
    elif hasattr(answer, "_fields"):
        entries = zip(answer._fields, answer, strict=True)
    elif dataclasses.is_dataclass(answer):
        entries = [(field.name, getattr(answer, field.name)) for field in dataclasses.fields(answer)]
    elif isinstance(answer, (tuple, list)):
        entries = enumerate(answer)
    else:
        raise RunFailedError(f"it answers with a {type(answer).__name__}, not with tensors")
    for name, value in entries:
        if value is not None:
            for inner, tensor in _outputs(value):
                yield (name if inner is None else f"{name}.{inner}"), tensor
