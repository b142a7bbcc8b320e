"""The description as titled tables and sentences, in words; how these look is the renderers' business."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from googlenet.describe.printed import KIBI, PRINTED, disagreements, printed_operations, printed_parameters
from googlenet.describe.savings import VGG16_PARAMETERS, Saving, module_savings, network_saving, textbook_example
from googlenet.describe.table import Block, Group, LayerRow, Table
from googlenet.layers import Shape


@dataclass(frozen=True)
class Line:
    """A row of cells; ``depth`` 1 for a part of the row above."""

    cells: tuple[str, ...]
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table, the columns named in ``words`` aligned left, with sentences below it."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    sentences: tuple[str, ...] = ()
    words: frozenset[str] = frozenset({"layer", "kernels", "output"})


def sections(table: Table) -> tuple[Section, ...]:
    """Everything that there is to say; the paper's disagreements only where the network is the paper's there."""
    parts = [_layers(table), _totals(table)]
    if found := disagreements(table.blocks):
        lines = tuple(
            Line(
                (
                    d.name,
                    f"{d.printed.parameters:g} K",
                    f"{d.weights / KIBI:.1f} K",
                    f"{d.printed.operations} M",
                    f"{d.macs / 1e6:.1f} M",
                    d.reason,
                )
            )
            for d in found
        )
        columns = ("layer", "printed", "weights", "printed", "MACs", "why")
        parts.append(
            Section(
                title="Where the paper's printed numbers are not those of its own columns",
                columns=columns,
                lines=lines,
                words=frozenset({"layer", "why"}),
            )
        )
    return (*parts, _savings(table))


def shape_words(shape: Shape) -> str:
    """Height × width × channels, as the paper writes it."""
    channels, height, width = shape
    return f"{height}×{width}×{channels}"


def window_words(row: LayerRow) -> str:
    """``7×7/2``; without the stride where that is 1, empty where the layer has no window."""
    if row.kernel is None:
        return ""
    stride = f"/{row.stride}" if row.stride is not None and row.stride > 1 else ""
    return f"{row.kernel}×{row.kernel}{stride}"


def _layers(table: Table) -> Section:
    lines = [line for block in table.blocks for line in _block_lines(block)]
    return Section(
        title=f"{table.spec.variant}: {table.input_size}×{table.input_size} px, {table.spec.classes} classes",
        columns=("layer", "kernels", "output", "weights", "parameters", "printed", "MACs", "printed", "field", "MB"),
        lines=tuple(lines),
        sentences=(
            "Weights are the kernels alone, parameters all that is trained, MACs the multiply-accumulates for one "
            "image. Printed is what the paper's Table 1 has there, where this network is the paper's (K = 1024, M = "
            "10⁶).",
            "Field is the receptive field in pixels along an axis, the widest branch's where branches meet; it may "
            f"reach past the border. MB (10⁶ bytes) is the layer's float32 output for a batch of {table.batch}.",
        ),
    )


def _block_lines(block: Block) -> Iterator[Line]:
    parameters, operations = printed_parameters(block), printed_operations(block)
    printed = f"{parameters:g} K" if parameters else "", f"{operations} M" if operations else ""
    own = window_words(block.layers[0]) if len(block.layers) == 1 else ""
    yield Line(_cells(block, own, printed))
    if block.branches:
        for branch in block.branches:
            kernels = ", ".join(_kernel_words(row) for row in branch.layers)
            yield Line(_cells(branch, kernels, ("", "")), depth=1)
    elif len(block.layers) > 1:
        for row in block.layers:
            yield Line(_cells(Group(name=row.name, layers=(row,)), _kernel_words(row), ("", "")), depth=1)


def _kernel_words(row: LayerRow) -> str:
    """``3×3 128`` for 128 kernels of 3×3, ``3×3`` for a pooling."""
    return f"{window_words(row)} {row.output[0]}" if row.kind == "Conv" else window_words(row)


def _cells(group: Group, kernels: str, printed: tuple[str, str]) -> tuple[str, ...]:
    return (
        group.name,
        kernels,
        shape_words(group.output),
        _count(group.weights),
        _count(group.parameters),
        printed[0],
        _count(group.macs),
        printed[1],
        str(group.field),
        f"{group.activation_bytes / 1e6:.2f}",
    )


def _totals(table: Table) -> Section:
    blocks = [block for block in table.blocks if not block.in_head]
    whole = all(printed_parameters(b) and printed_operations(b) for b in blocks if b.weights)
    printed = _printed_totals() if whole else ("", "")
    groups: list[tuple[Group, tuple[str, str]]] = [(table.main, printed)]
    if table.spec.aux_heads:
        groups += [(block, ("", "")) for block in table.blocks if block.in_head]
        groups.append((table.all, ("", "")))
    lines = [Line((g.name, _count(g.weights), _count(g.parameters), p[0], _count(g.macs), p[1])) for g, p in groups]
    main = table.main.parameters
    return Section(
        title="Totals",
        columns=("layer", "weights", "parameters", "printed", "MACs", "printed"),
        lines=tuple(lines),
        sentences=(
            f"{table.depth} layers with weights lie on the longest way through the network.",
            f"Activations for a batch of {table.batch}: {table.training_bytes / 1e6:.1f} MB where every output is "
            f"kept, as training does; {table.inference_bytes / 1e6:.1f} MB at most at once where each is freed after "
            "its last use and the heads are dropped.",
            f"VGG-16 has {_count(VGG16_PARAMETERS)} parameters, {VGG16_PARAMETERS / main:.1f} times as many as the "
            "main path.",
        ),
    )


def _printed_totals() -> tuple[str, str]:
    parameters = sum(row.parameters for row in PRINTED.values())
    operations = sum(row.operations for row in PRINTED.values())
    return f"{parameters:g} K", f"{operations} M"


def _savings(table: Table) -> Section:
    direct, reduced = textbook_example()
    whole = network_saving(table.spec, table.input_size)
    modules = module_savings(table.spec, table.input_size)
    return Section(
        title="What the 1×1 reductions save",
        columns=("layer", "naive weights", "weights", "times", "naive MACs", "MACs", "times", "naive output", "output"),
        lines=tuple(_saving_line(saving) for saving in (*modules, whole)),
        sentences=(
            "Each module naive and with reductions on the same input; output in channels. In the main path whole, the "
            "naive pool branches pass all their channels on, so that every module's input grows as well.",
            f"The example: 64 kernels of 5×5 on 512 channels are {_count(direct)} weights; behind a 1×1 reduction to "
            f"24 channels they are {_count(reduced)}.",
        ),
        words=frozenset({"layer"}),
    )


def _saving_line(saving: Saving) -> Line:
    naive, own = saving.naive, saving.reduced
    return Line(
        (
            saving.name,
            _count(naive.weights),
            _count(own.weights),
            f"{naive.weights / own.weights:.1f}",
            _count(naive.macs),
            _count(own.macs),
            f"{naive.macs / own.macs:.1f}",
            str(naive.channels),
            str(own.channels),
        )
    )


def _count(number: int) -> str:
    return f"{number:,}" if number else ""
